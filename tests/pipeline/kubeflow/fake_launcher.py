"""KFP's launcher in small: runs one task of a compiled spec as a subprocess, under its contract."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.bridge.locations import TWIN_ROOT_VARIABLE
from tests.pipeline.kubeflow.bridge.launcher_inputs import make_executor_input, make_input

ROOT = pathlib.Path(__file__).parents[3]
FOLDER = pathlib.Path(__file__).parent
TEST_PACKAGE = "tests.pipeline.kubeflow."
"""Left out of import paths in the task: other distributions install a package `tests` too."""


class FakeLauncher:
    """Holds the store and what was recorded of each output; each task sees fresh twins only."""

    def __init__(self, spec_file: pathlib.Path, folder: pathlib.Path) -> None:
        self.spec = next(yaml.safe_load_all(spec_file.read_text()))
        self.folder = folder
        self.store = folder / "store"
        self.recorded: dict[tuple[str, str], dict[str, Any]] = {}

    def run(self, name: str, **changed_parameters: Any) -> subprocess.CompletedProcess[str]:
        """Runs one task; records and stores its outputs when it succeeds."""
        task = self.spec["root"]["dag"]["tasks"][name]
        component = self.spec["components"][task["componentRef"]["name"]]
        twins = self.folder / name
        shutil.rmtree(twins, ignore_errors=True)
        executor_input = self._make_input(name, task, component, changed_parameters)
        inputs = executor_input["inputs"]["artifacts"]
        for key in inputs:
            self._copy(self.store, twins, inputs[key]["artifacts"][0]["uri"])
        for entry in executor_input["outputs"]["artifacts"].values():
            self._path(twins, entry["artifacts"][0]["uri"]).parent.mkdir(parents=True, exist_ok=True)
        ended = self._execute(component["executorLabel"], executor_input, twins)
        if ended.returncode == 0:
            self._record(name, executor_input, twins)
        return ended

    def stored(self, name: str, key: str) -> pathlib.Path:
        """Where an output is in the store."""
        return self._path(self.store, self.recorded[name, key]["uri"])

    def _make_input(self, name: str, task: Any, component: Any, changed: Any) -> dict[str, Any]:
        inputs = {}
        for key, source in task.get("inputs", {}).get("artifacts", {}).items():
            output = source["taskOutputArtifact"]
            inputs[key] = self.recorded[output["producerTask"], output["outputArtifactKey"]]
        parameters = {
            key: value["runtimeValue"]["constant"]
            for key, value in task.get("inputs", {}).get("parameters", {}).items()
        }
        types = {
            key: yaml.safe_load(output["artifactType"]["instanceSchema"])["title"]
            for key, output in component["outputDefinitions"]["artifacts"].items()
        }
        return make_executor_input(name, inputs, types, parameters | changed)

    def _execute(self, label: str, executor_input: Any, twins: Any) -> subprocess.CompletedProcess[str]:
        container = self.spec["deploymentSpec"]["executors"][label]["container"]
        arguments = [
            a.replace("{{$}}", json.dumps(executor_input)).replace(TEST_PACKAGE, "")
            for a in container["args"]
        ]
        environment = {
            **os.environ,
            TWIN_ROOT_VARIABLE: str(twins),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{FOLDER}",
        }
        return subprocess.run(
            [sys.executable, "-m", "pipeline.kubeflow.entrypoint", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def _record(self, name: str, executor_input: Any, twins: pathlib.Path) -> None:
        """Reads the output file as strictly as the launcher does, uploads, and keeps what KFP would."""
        text = pathlib.Path(str(twins) + executor_input["outputs"]["outputFile"]).read_text()
        output = json_format.Parse(text, pipeline_spec_pb2.ExecutorOutput())
        if ": null" in text:
            raise ValueError(f"a null is fatal: {text}")
        for key, entry in executor_input["outputs"]["artifacts"].items():
            uri = entry["artifacts"][0]["uri"]
            metadata = {}
            if key in output.artifacts:
                artifact = output.artifacts[key].artifacts[0]
                uri = artifact.uri
                metadata = {k: _hand_over(v) for k, v in json_format.MessageToDict(artifact.metadata).items()}
            self._copy(twins, self.store, uri)
            self.recorded[name, key] = make_input(uri, **metadata)

    def _copy(self, source: pathlib.Path, target: pathlib.Path, uri: str) -> None:
        """Copies files only: an object store knows no folders."""
        start = self._path(source, uri)
        files = [start] if start.is_file() else [file for file in start.rglob("*") if file.is_file()]
        for folder in start.rglob("*"):
            if folder.is_symlink() and folder.is_dir():
                raise ValueError(f"a link to a folder is fatal: {folder}")
        for file in files:
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)

    def _path(self, base: pathlib.Path, uri: str) -> pathlib.Path:
        if not uri.startswith("minio://"):
            raise ValueError(f"unrecognized uri format: {uri}")
        return base / "minio" / uri.removeprefix("minio://")


def _hand_over(value: Any) -> Any:
    """What KFP's store makes of a metadata value."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return {"list": value}
    return {"struct": value} if isinstance(value, dict) else value
