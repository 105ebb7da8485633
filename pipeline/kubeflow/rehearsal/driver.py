"""Does what KFP's driver does for a task: resolves what it is given, and says where it leaves its outputs.

The shape of an ExecutorInput is that of KFP 2.17.0's driver, of which the tests keep four.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.bridge.locations import Twins
from pipeline.kubeflow.package import Json, Package, PackageError
from pipeline.kubeflow.rehearsal.conditions import condition_holds
from pipeline.kubeflow.rehearsal.graph import find_component, find_task
from pipeline.kubeflow.rehearsal.parameters import fit_input
from pipeline.kubeflow.rehearsal.records import Outputs

LOGS_OUTPUT = "executor-logs"
"""KFP adds it to each task for itself."""
OUTPUT_PARAMETERS_FOLDER = "/tmp/kfp/outputs"
"""Where KFP has tasks leave the files of their output parameters."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of a package.

    Attributes:
      package: what runs.
      root: URI of the run's folder in the object store; its last part is the run's id.
      arguments: value of each parameter of the pipeline.
    """

    package: Package
    root: str
    arguments: Mapping[str, Any]


def make_executor_input(run: Run, name: str, ended: Mapping[str, Outputs]) -> Json:
    """The ExecutorInput of a task.

    Args:
      run: the run.
      name: of the task.
      ended: what the tasks before it left.
    Raises:
      PackageError: it takes what no task leaves.
      TaskError: it is given a value of a wrong type.
    """
    component = find_component(run.package, name)
    sources = find_task(run.package, name).get("inputs", {}).get("artifacts", {})
    artifacts = {
        key: {"artifacts": [_find_output(name, source["taskOutputArtifact"], "outputArtifactKey", ended)]}
        for key, source in sources.items()
    }
    inputs: Json = {"artifacts": artifacts} if artifacts else {}
    if parameters := _resolve_parameters(run, name, ended):
        inputs["parameterValues"] = parameters
    return {"inputs": inputs, "outputs": _place_outputs(component, f"{run.root}/{name}/{uuid.uuid4()}")}


def is_triggered(run: Run, name: str, executor_input: Mapping[str, Any]) -> bool:
    """Tells whether a task's condition holds; a task without one always runs."""
    condition = find_task(run.package, name).get("triggerPolicy", {}).get("condition")
    if not condition:
        return True
    inputs = executor_input["inputs"]
    scope = {"artifacts": inputs.get("artifacts", {}), "parameter_values": inputs.get("parameterValues", {})}
    return condition_holds(condition, {"inputs": scope})


def _find_output(name: str, source: Mapping[str, str], kind: str, ended: Mapping[str, Outputs]) -> Any:
    producer, key = source["producerTask"], source[kind]
    left = ended.get(producer, Outputs({}, {}))
    outputs = left.artifacts if kind == "outputArtifactKey" else left.parameters
    if key not in outputs:
        raise PackageError(
            f"task {name} must take an output that {producer} left, got '{key}', which is none; "
            "KFP accepts the package and fails in the driver"
        )
    return outputs[key]


def _resolve_parameters(run: Run, name: str, ended: Mapping[str, Outputs]) -> Json:
    """Values of a task's parameters; a component's own defaults are filled in by the launcher."""
    definitions = find_component(run.package, name).get("inputDefinitions", {}).get("parameters", {})
    values = {
        key: definition["defaultValue"]
        for key, definition in definitions.items()
        if "defaultValue" in definition
    }
    for key, source in find_task(run.package, name).get("inputs", {}).get("parameters", {}).items():
        if parameter := source.get("componentInputParameter"):
            if parameter not in run.arguments and definitions.get(key, {}).get("isOptional"):
                continue
            values[key] = _find_argument(run, name, key, parameter)
        elif output := source.get("taskOutputParameter"):
            values[key] = _find_output(name, output, "outputParameterKey", ended)
        else:
            values[key] = _resolve_constant(run, name, source["runtimeValue"]["constant"])
    if missing := [
        key for key in definitions if key not in values and not definitions[key].get("isOptional")
    ]:
        raise PackageError(
            f"task {name} must be given {missing[0]}, got nothing; KFP accepts the package and fails in the "
            "driver: neither value nor default value provided for non-optional parameter"
        )
    return {key: fit_input(key, value, definitions.get(key, {})) for key, value in values.items()}


def _find_argument(run: Run, name: str, key: str, parameter: str) -> Any:
    if parameter not in run.arguments:
        raise PackageError(
            f"task {name} must take a parameter of the pipeline that has a value as {key}, "
            f"got '{parameter}'; KFP accepts the package and fails in the driver"
        )
    return run.arguments[parameter]


def _resolve_constant(run: Run, name: str, constant: Any) -> Any:
    """A constant, or what one stands for that asks for the run or the task."""
    pipeline, run_id = run.package.spec["pipelineInfo"]["name"], run.root.rsplit("/", 1)[-1]
    known = {
        "{{$.pipeline_job_name}}": pipeline,
        "{{$.pipeline_job_resource_name}}": f"{pipeline}-{run_id}",
        "{{$.pipeline_job_uuid}}": run_id,
        "{{$.pipeline_task_name}}": name,
    }
    return known.get(constant, constant) if isinstance(constant, str) else constant


def _place_outputs(component: Json, folder: str) -> Json:
    definitions = component.get("outputDefinitions", {})
    artifacts = {
        key: {"artifacts": [{"name": key, "type": definition["artifactType"], "uri": f"{folder}/{key}"}]}
        for key, definition in definitions.get("artifacts", {}).items()
    }
    logs = {
        "name": LOGS_OUTPUT,
        "type": {"schemaTitle": "system.Artifact"},
        "uri": f"{folder}/{LOGS_OUTPUT}",
    }
    outputs: Json = {
        "artifacts": {**artifacts, LOGS_OUTPUT: {"artifacts": [logs]}},
        "outputFile": f"{Twins().to_local(folder)}/output_metadata.json",
    }
    if parameters := definitions.get("parameters"):
        outputs["parameters"] = {
            key: {"outputFile": f"{OUTPUT_PARAMETERS_FOLDER}/{key}"} for key in parameters
        }
    return outputs
