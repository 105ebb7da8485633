"""Small compiled packages whose tasks are shell commands."""

from __future__ import annotations

import pathlib
from typing import Any

from pipeline.kubeflow.package import Package
from pipeline.kubeflow.rehearsal.driver import Run
from pipeline.kubeflow.rehearsal.launcher import Launcher
from pipeline.kubeflow.rehearsal.processes import Subprocesses, TaskProcesses
from pipeline.kubeflow.rehearsal.rehearsal import Rehearsal, TaskResult
from pipeline.kubeflow.rehearsal.store import ObjectStore

ROOT = "minio://mlpipeline/v2/artifacts/small/run-1"
MODEL = {"artifactType": {"instanceSchema": "title: tfx.Model\ntype: object\n"}}
KINDS = {str: "STRING", int: "NUMBER_INTEGER", float: "NUMBER_DOUBLE", bool: "BOOLEAN"}


def make_task(
    script: str,
    outputs: tuple[str, ...] = (),
    artifacts: dict[str, tuple[str, str]] | None = None,
    parameters: dict[str, Any] | None = None,
    results: dict[str, str] | None = None,
    **task: Any,
) -> dict[str, Any]:
    """A task.

    Args:
      script: of Python; `given` is its ExecutorInput, `out(key)` and `into(key)` are local paths, `note(...)`
        writes its output metadata.
      outputs: keys of its output artifacts.
      artifacts: input key -> (producer, output key).
      parameters: name -> constant, the name of the pipeline's parameter after a `$`, or (producer, name).
      results: name of an output parameter -> its type.
      task: further fields of the PipelineTaskSpec.
    """
    return {
        "script": script,
        "outputs": outputs,
        "artifacts": artifacts or {},
        "parameters": parameters or {},
        "results": results or {},
        "task": task,
    }


def make_importer(uri: str, key: str, **metadata: Any) -> dict[str, Any]:
    """A task that imports an artifact."""
    importer = {"artifactUri": {"constant": uri}, "metadata": metadata}
    return {**make_task("", outputs=(key,)), "importer": importer}


PRELUDE = """
import json, os, pathlib, sys
given = json.loads(sys.argv[1])
root = os.environ.get("MARKETCAST_TWIN_ROOT", "/")
def local(side, key):
    uri = given[side]["artifacts"][key]["artifacts"][0]["uri"]
    return pathlib.Path(root, uri.replace("gs://", "gcs/").replace("://", "/"))
def out(key): return local("outputs", key)
def into(key): return local("inputs", key)
def result(name): return pathlib.Path(given["outputs"]["parameters"][name]["outputFile"])
def note(text):
    pathlib.Path(given["outputs"]["outputFile"]).write_text(text)
def describe(key, **metadata):
    uri = metadata.pop("uri", given["outputs"]["artifacts"][key]["artifacts"][0]["uri"])
    note(json.dumps({"artifacts": {key: {"artifacts": [{"uri": uri, "metadata": metadata}]}}}))
"""


def make_package(
    tasks: dict[str, dict[str, Any]],
    definitions: dict[str, Any] | None = None,
    platform: dict[str, Any] | None = None,
) -> Package:
    """A package of tasks of `make_task`; see PipelineSpec for the pipeline's parameter definitions."""
    components, executors, dag = {}, {}, {}
    for name, task in tasks.items():
        components[name] = {
            "executorLabel": f"{name}-run",
            "inputDefinitions": {"parameters": _define(task["parameters"], definitions or {}, tasks)},
            "outputDefinitions": {
                "artifacts": dict.fromkeys(task["outputs"], MODEL),
                "parameters": {key: {"parameterType": kind} for key, kind in task["results"].items()},
            },
        }
        executors[f"{name}-run"] = _make_executor(task)
        dag[name] = {
            "componentRef": {"name": name},
            "inputs": {
                "artifacts": {
                    key: {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": output}}
                    for key, (producer, output) in task["artifacts"].items()
                },
                "parameters": {key: _source(value) for key, value in task["parameters"].items()},
            },
            **task["task"],
        }
    root: dict[str, Any] = {"dag": {"tasks": dag}, "inputDefinitions": {"parameters": definitions or {}}}
    spec = {
        "pipelineInfo": {"name": "small"},
        "components": components,
        "deploymentSpec": {"executors": executors},
        "root": root,
    }
    return Package(spec, platform or {})


def _make_executor(task: dict[str, Any]) -> dict[str, Any]:
    if "importer" in task:
        return {"importer": task["importer"]}
    command = ["python", "-c", PRELUDE + task["script"]]
    return {"container": {"image": "a:1", "command": command, "args": ["{{$}}"]}}


def _define(parameters: dict[str, Any], definitions: Any, tasks: Any) -> dict[str, Any]:
    """Parameters of a component, of the type of what they are given."""
    kinds = {}
    for key, value in parameters.items():
        if isinstance(value, tuple):
            kinds[key] = tasks[value[0]]["results"][value[1]]
        elif isinstance(value, str) and value.startswith("$"):
            kinds[key] = definitions[value[1:]]["parameterType"]
        else:
            kinds[key] = KINDS[type(value)]
    return {key: {"parameterType": kind} for key, kind in kinds.items()}


def _source(value: Any) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {"taskOutputParameter": {"producerTask": value[0], "outputParameterKey": value[1]}}
    if isinstance(value, str) and value.startswith("$"):
        return {"componentInputParameter": value[1:]}
    return {"runtimeValue": {"constant": value}}


def rehearse(
    folder: pathlib.Path,
    package: Package,
    arguments: dict[str, Any] | None = None,
    resume: bool = False,
    volumes: dict[str, pathlib.Path] | None = None,
    root: str = ROOT,
    processes: TaskProcesses | None = None,
) -> dict[str, TaskResult]:
    """Rehearses a package, with subprocesses if nothing else is given; returns its results by task."""
    run_as = processes or Subprocesses(folder, 30.0)
    launcher = Launcher(ObjectStore(folder / "store"), run_as, folder, volumes or {})
    run = Run(package, root, arguments or {})
    rehearsal = Rehearsal(run, launcher, lambda _: None, lambda _: None)
    rehearsal.go(resume)
    return {result.name: result for result in rehearsal.results}
