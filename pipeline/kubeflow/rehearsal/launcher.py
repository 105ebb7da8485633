"""Does what KFP's launcher does: inputs in, the command, outputs out; each task sees its own twins only."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import shutil
from collections.abc import Mapping

from pipeline.kubeflow.bridge.locations import TWIN_FOLDERS, Twins
from pipeline.kubeflow.package import Json
from pipeline.kubeflow.rehearsal.driver import LOGS_OUTPUT, Outputs, Run, record_artifact
from pipeline.kubeflow.rehearsal.errors import TaskError
from pipeline.kubeflow.rehearsal.graph import find_container, find_pod
from pipeline.kubeflow.rehearsal.output_file import read_output_file
from pipeline.kubeflow.rehearsal.pods import Pod, make_pod
from pipeline.kubeflow.rehearsal.processes import TaskProcesses
from pipeline.kubeflow.rehearsal.store import ObjectStore


@dataclasses.dataclass
class Launcher:
    """Runs single tasks.

    Attributes:
      store: stands for the object store.
      processes: how a command runs.
      folder: of the run; gets twins and logs.
      volumes: name of a PersistentVolumeClaim -> folder.
    """

    store: ObjectStore
    processes: TaskProcesses
    folder: pathlib.Path
    volumes: Mapping[str, pathlib.Path]

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)

    def log_of(self, name: str) -> pathlib.Path:
        """File of all that a task says."""
        return self.folder / "logs" / f"{name}.log"

    def launch(self, run: Run, name: str, executor_input: Json) -> tuple[Outputs, list[str]]:
        """Runs a task.

        Returns:
          What it left, and what KFP would pass over in silence.
        Raises:
          TaskError: it failed, or KFP's launcher would.
        """
        container = find_container(run.package, name)
        twins = self.folder / "twins" / name
        shutil.rmtree(twins, ignore_errors=True)
        pod = make_pod(container, find_pod(run.package, name), twins, self.volumes)
        self._download(executor_input, pod)
        log = self.log_of(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        code = self.processes.run(container, executor_input, pod, log)
        if code:
            raise TaskError(f"task {name} must end with exit code 0, got {code}; its last lines say why")
        return self._collect(executor_input, pod)

    def _download(self, executor_input: Json, pod: Pod) -> None:
        for entry in executor_input["inputs"].get("artifacts", {}).values():
            for artifact in entry["artifacts"]:
                self.store.download(artifact["uri"], _twin(artifact["uri"], pod))
        for entry in executor_input["outputs"]["artifacts"].values():
            for artifact in entry["artifacts"]:
                _twin(artifact["uri"], pod).parent.mkdir(parents=True, exist_ok=True)
        for folder in [pod.locate(mount.rstrip("/")) for mount in TWIN_FOLDERS.values()]:
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o777 if path.is_dir() else 0o666)

    def _collect(self, executor_input: Json, pod: Pod) -> tuple[Outputs, list[str]]:
        outputs = executor_input["outputs"]
        written, parameters = read_output_file(pod.locate(outputs["outputFile"]), outputs)
        artifacts, warnings = {}, []
        for key, entry in outputs["artifacts"].items():
            if key == LOGS_OUTPUT:
                continue
            [declared] = entry["artifacts"]
            own = written.get(key, {})
            uri = own.get("uri", declared["uri"])
            if not self.store.upload(_twin(uri, pod), uri):
                warnings.append(f"{key} has no file")
            artifacts[key] = record_artifact(key, next(self._numbers), uri, own.get("metadata", {}))
        for name, declared in outputs.get("parameters", {}).items():
            parameters.setdefault(name, _read_parameter(name, pod.locate(declared["outputFile"])))
        return Outputs(artifacts, parameters), warnings


def _twin(uri: str, pod: Pod) -> pathlib.Path:
    local = Twins().to_local(uri)
    if local == uri:
        raise TaskError(
            f"an artifact's URI must be one of the object store, got '{uri}'; KFP would record it, upload "
            "nothing, and fail the task that takes it: unrecognized uri format"
        )
    return pod.locate(local)


def _read_parameter(name: str, file: pathlib.Path) -> str:
    if not file.exists():
        raise TaskError(f"output parameter {name} must be written, got no file and no value; write it")
    return file.read_text(encoding="utf-8")
