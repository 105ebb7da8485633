"""A rehearsal of a compiled package that has come to its last step: a local run has left what goes before."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import shutil
from typing import Any

from pipeline.kubeflow.package import format_package, read_package
from pipeline.kubeflow.rehearsal.parameters import resolve_arguments
from pipeline.kubeflow.rehearsal.records import Outputs, record_artifact
from pipeline.kubeflow.rehearsal.rehearsal import STATE_FILE, SUCCEEDED, TaskResult
from tests.conftest import ROOT, run_marketcast

LAST = "RunPublisher"
FOLDER = "rehearsal"
PACKAGE = "published.yaml"
ROOT_URI = "minio://mlpipeline/v2/artifacts/walk"


class LastStep:
    """The step that writes a run, under the contract of Kubeflow's launcher."""

    def __init__(self, folder: pathlib.Path, run_folder: pathlib.Path, settings: list[str]) -> None:
        """Compiles the package, and puts the artifacts of a run's first execution into the store.

        Args:
          folder: empty; gets package and rehearsal.
          run_folder: where `marketcast run` ran.
          settings: flags of the compiler.
        """
        self._folder = folder
        self._artifacts = run_folder / "run" / "pipeline"
        compiled = run_marketcast(folder, "compile", "-o", PACKAGE, *settings)
        assert compiled.returncode == 0, compiled.stderr
        self.package = read_package(str(folder / PACKAGE))
        self._tasks = self.package.spec["root"]["dag"]["tasks"]
        for source in self._taken().values():
            self._store(source["producerTask"], source["outputArtifactKey"])

    def run(self, is_pushed: bool) -> tuple[dict[str, Any], str]:
        """Runs the step, and no other; what the rehearsal told of it, and its log."""
        metadata = {"champion": {"absent": 1}, "pushed_model": {"pushed": int(is_pushed)}}
        self._write_state(metadata)
        flags = ["--resume", "--json", "--run-folder", FOLDER, "--workdir", str(ROOT)]
        ended = run_marketcast(self._folder, "rehearse", PACKAGE, *flags)
        tasks = json.loads(ended.stdout)["tasks"]
        [told] = [task for task in tasks if not task["resumed"]]
        assert told["name"] == LAST
        return told, pathlib.Path(told["log"]).read_text()

    def _taken(self) -> dict[str, dict[str, str]]:
        inputs = self._tasks[LAST]["inputs"]["artifacts"]
        return {key: source["taskOutputArtifact"] for key, source in inputs.items()}

    def _store(self, producer: str, key: str) -> None:
        executions = sorted((self._artifacts / producer / key).iterdir(), key=lambda path: int(path.name))
        scheme, path = ROOT_URI.split("://")
        target = self._folder / FOLDER / "store" / scheme / path / producer / key
        shutil.copytree(executions[0], target, dirs_exist_ok=True)

    def _write_state(self, metadata: dict[str, dict[str, int]]) -> None:
        """Every step but the last has ended well."""
        outputs: dict[str, dict[str, Any]] = {name: {} for name in self._tasks if name != LAST}
        for number, source in enumerate(self._taken().values()):
            producer, key = source["producerTask"], source["outputArtifactKey"]
            uri = f"{ROOT_URI}/{producer}/{key}"
            outputs[producer][key] = record_artifact(key, number, uri, metadata.get(key, {}))
        done = {
            name: dataclasses.asdict(TaskResult(name, SUCCEEDED, outputs=Outputs(artifacts, {})))
            for name, artifacts in outputs.items()
        }
        definitions = self.package.spec["root"]["inputDefinitions"]["parameters"]
        state = {
            "package": hashlib.sha256(format_package(self.package).encode()).hexdigest(),
            "arguments": dict(resolve_arguments({}, definitions)),
            "root": ROOT_URI,
            "done": done,
        }
        (self._folder / FOLDER / STATE_FILE).write_text(json.dumps(state))
