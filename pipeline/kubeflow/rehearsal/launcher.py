"""Does what KFP's launcher does: inputs in, the command, outputs out; each task sees its own twins only."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.bridge.locations import TWIN_FOLDERS, Twins
from pipeline.kubeflow.package import Json
from pipeline.kubeflow.rehearsal.driver import LOGS_OUTPUT, Run
from pipeline.kubeflow.rehearsal.errors import TaskError
from pipeline.kubeflow.rehearsal.graph import CONTAINER, IMPORTER, find_component, find_executor, find_pod
from pipeline.kubeflow.rehearsal.output_file import read_output_file
from pipeline.kubeflow.rehearsal.parameters import read_output
from pipeline.kubeflow.rehearsal.pods import Pod, make_pod
from pipeline.kubeflow.rehearsal.processes import TaskProcesses
from pipeline.kubeflow.rehearsal.records import IMPORTED_SESSION, Outputs, record_artifact
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

    def log_of(self, name: str) -> pathlib.Path:
        """File of all that a task says."""
        return self.folder / "logs" / f"{name}.log"

    def launch(self, run: Run, name: str, executor_input: Json, number: int) -> tuple[Outputs, list[str]]:
        """Runs a task.

        Args:
          run: the run.
          name: of the task.
          executor_input: what the driver made for it.
          number: of its first artifact in KFP's store.
        Returns:
          What it left, and what KFP would pass over in silence.
        Raises:
          TaskError: it failed, or KFP's launcher would.
        """
        executor = find_executor(run.package, name)
        if IMPORTER in executor:
            return self._import(executor[IMPORTER], executor_input, number)
        twins = self.folder / "twins" / name
        shutil.rmtree(twins, ignore_errors=True)
        pod = make_pod(executor[CONTAINER], find_pod(run.package, name), twins, self.volumes)
        log = self.log_of(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._download(executor_input, pod)
            code = self.processes.run(executor[CONTAINER], executor_input, pod, log)
            if code:
                raise TaskError(f"task {name} must end with exit code 0, got {code}; its last lines say why")
            outputs, warnings = self._upload(run.root, executor_input, pod, number)
            definitions = find_component(run.package, name).get("outputDefinitions", {}).get("parameters", {})
            outputs.parameters.update(_read_parameters(executor_input, pod, outputs.parameters, definitions))
        except OSError as error:
            raise TaskError(
                f"the files of task {name} must be readable and writable here, got {error}; mend that"
            ) from error
        return outputs, warnings

    def _import(self, importer: Json, executor_input: Json, number: int) -> tuple[Outputs, list[str]]:
        given = importer["artifactUri"]
        parameters = executor_input["inputs"].get("parameterValues", {})
        uri = given["constant"] if "constant" in given else parameters[given["runtimeParameter"]]
        [key] = set(executor_input["outputs"]["artifacts"]) - {LOGS_OUTPUT}
        here = self.store.find(uri)
        warnings = (
            [] if here.exists() else [f"nothing to import at {here}, which stands for {uri}; copy it there"]
        )
        artifact = record_artifact(key, number, uri, importer.get("metadata", {}), IMPORTED_SESSION)
        return Outputs({key: artifact}, {}), warnings

    def _download(self, executor_input: Json, pod: Pod) -> None:
        for entry in executor_input["inputs"].get("artifacts", {}).values():
            for artifact in entry["artifacts"]:
                self.store.download(artifact["uri"], _twin(artifact["uri"], pod))
        for entry in executor_input["outputs"]["artifacts"].values():
            for artifact in entry["artifacts"]:
                _twin(artifact["uri"], pod).parent.mkdir(parents=True, exist_ok=True)
        for path in (pod.twins, *pod.twins.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)  # a container runs as a user of its own

    def _upload(self, root: str, executor_input: Json, pod: Pod, number: int) -> tuple[Outputs, list[str]]:
        outputs = executor_input["outputs"]
        written, parameters = read_output_file(pod.locate(outputs["outputFile"]), outputs)
        artifacts: dict[str, Json] = {}
        warnings = []
        for key in sorted(set(outputs["artifacts"]) - {LOGS_OUTPUT}):
            [declared] = outputs["artifacts"][key]["artifacts"]
            own = written.get(key, {})
            uri = own.get("uri", declared["uri"])
            twin = _twin(uri, pod)
            if not uri.startswith(f"{root}/"):
                raise TaskError(
                    f"output {key} must stay below {root}, got '{uri}'; KFP's launcher fails: it does not "
                    "have the expected bucket prefix"
                )
            if not self.store.upload(twin, uri):
                warnings.append(f"output {key} has no file; the task that takes it finds no path there")
            artifacts[key] = record_artifact(key, number + len(artifacts), uri, own.get("metadata", {}))
        return Outputs(artifacts, parameters), warnings


def _twin(uri: str, pod: Pod) -> pathlib.Path:
    if not uri.startswith(tuple(TWIN_FOLDERS)):
        raise TaskError(
            f"an artifact's URI must be one of the object store, got '{uri}'; KFP would record it, upload "
            "nothing, and fail the task that takes it: unrecognized uri format"
        )
    return pod.locate(Twins().to_local(uri))


def _read_parameters(
    executor_input: Json, pod: Pod, known: Mapping[str, Any], definitions: Mapping[str, Json]
) -> dict[str, Any]:
    """Output parameters from the files of their own; the output metadata goes first."""
    values = {}
    for name, declared in executor_input["outputs"].get("parameters", {}).items():
        if name in known:
            continue
        file = pod.locate(declared["outputFile"])
        if not file.exists():
            raise TaskError(
                f"output parameter {name} must be written, got no file {declared['outputFile']}; "
                "KFP's launcher fails: failed to read output parameter"
            )
        values[name] = read_output(name, file.read_text(encoding="utf-8"), definitions[name])
    return values
