"""Which version of a model answers: follows the versions on disk and swaps without losing a request."""

from __future__ import annotations

import dataclasses
import gc
import logging
import pathlib
import threading

import grpc
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2, model_pb2

from serving.model_server import versions
from serving.model_server.request_error import RequestError, explain_graph_error
from serving.model_server.servable import Servable

State = get_model_status_pb2.ModelVersionStatus
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class VersionState:
    """Where a version stands, in TensorFlow Serving's terms; `error` says why it could not be loaded."""

    state: int
    code: int = tf.errors.OK
    error: str = ""


class ServedModel:
    """The newest good version under a base path. One thread polls, any number of them ask."""

    def __init__(self, name: str, base_path: pathlib.Path) -> None:
        self.name = name
        self._base_path = base_path
        self._servable: Servable | None = None
        self._states: dict[int, VersionState] = {}
        self._refused: dict[int, versions.Snapshot] = {}
        self._lock = threading.Lock()

    def poll(self) -> None:
        """Loads the newest version that is good, unless it is the one that answers.

        A version that failed is tried again when a file in it has changed. The version that answers stays
        until another one is ready, even if its folder is gone.
        """
        present = versions.list_complete_versions(self._base_path)
        self._forget(present)
        for version in present:
            if self._servable and version == self._servable.version:
                return
            if self._load(version):
                return

    def watch(self, poll_wait_seconds: float, stopping: threading.Event) -> None:
        """Polls now and then until `stopping` is set; not at all where the wait is zero.

        An error of the file system is logged and the polling goes on.
        """
        while poll_wait_seconds > 0 and not stopping.wait(poll_wait_seconds):
            try:
                self.poll()
            except OSError as error:
                _log.warning("%s must be a folder that can be read, got %s", self._base_path, error)

    def find(self, spec: model_pb2.ModelSpec) -> Servable:
        """The servable that a request asks for.

        Raises:
          RequestError: there is none.
        """
        if not spec.name:
            raise RequestError(grpc.StatusCode.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        if spec.HasField("version_label"):
            raise RequestError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Unrecognized servable version label: {spec.version_label}",
            )
        servable = self._servable
        is_right_version = not spec.HasField("version") or (
            servable is not None and spec.version.value == servable.version
        )
        if servable is None or spec.name != self.name or not is_right_version:
            asked = (
                f"Specific({spec.name}, {spec.version.value})"
                if spec.HasField("version")
                else f"Latest({spec.name})"
            )
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")
        return servable

    def describe(self, spec: model_pb2.ModelSpec) -> dict[int, VersionState]:
        """The state of the version that is asked for, or of all.

        Raises:
          RequestError: there is none.
        """
        with self._lock:
            states = dict(self._states) if spec.name == self.name else {}
        if not spec.HasField("version"):
            if states:
                return states
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        version = spec.version.value
        if version in states:
            return {version: states[version]}
        raise RequestError(
            grpc.StatusCode.NOT_FOUND, f"Could not find version {version} of model {spec.name}"
        )

    def _load(self, version: int) -> bool:
        """Loads a version and lets it answer; False if it is not good."""
        folder = self._base_path / str(version)
        snapshot = versions.take_snapshot(folder)
        if self._refused.get(version) == snapshot:
            return False
        self._set_state(version, VersionState(State.LOADING))
        if damage := versions.find_damage(folder):
            return self._refuse(version, snapshot, VersionState(State.END, tf.errors.DATA_LOSS, damage))
        try:
            servable = Servable(self.name, version, folder)
        except tf.errors.OpError as error:
            state = VersionState(State.END, error.error_code, explain_graph_error(error))
            return self._refuse(version, snapshot, state)
        except Exception as error:  # Anything may be wrong with a model; the server lives on.
            state = VersionState(State.END, tf.errors.UNKNOWN, f"{type(error).__name__}: {error}")
            return self._refuse(version, snapshot, state)
        previous, self._servable = self._servable, servable
        self._set_state(version, VersionState(State.AVAILABLE))
        _log.info("version %d of %s answers", version, self.name)
        if previous is not None:
            self._set_state(previous.version, VersionState(State.END))
        del previous
        gc.collect()  # A session and its graph refer to each other.
        return True

    def _refuse(self, version: int, snapshot: versions.Snapshot, state: VersionState) -> bool:
        self._refused[version] = snapshot
        self._set_state(version, state)
        _log.error("version %d of %s is not served: %s", version, self.name, state.error)
        return False

    def _set_state(self, version: int, state: VersionState) -> None:
        with self._lock:
            self._states[version] = state

    def _forget(self, present: list[int]) -> None:
        """Drops what is known of versions that are gone and do not answer."""
        answering = self._servable.version if self._servable else None
        with self._lock:
            for version in self._states.keys() - {*present, answering}:
                del self._states[version]
                self._refused.pop(version, None)
