"""Which versions of a model answer: follows the versions on disk and swaps without losing a request."""

from __future__ import annotations

import dataclasses
import gc
import logging
import pathlib
import threading
import time
from collections.abc import Iterable

import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2

from serving.model_server import versions
from serving.model_server.load_options import LoadOptions
from serving.model_server.model_entries import ModelEntry
from serving.model_server.request_error import explain_graph_error
from serving.model_server.servable import Servable

State = get_model_status_pb2.ModelVersionStatus
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class VersionState:
    """Where a version stands, in TensorFlow Serving's terms; `error` says why it could not be loaded."""

    state: int
    code: int = tf.errors.OK
    error: str = ""


@dataclasses.dataclass(frozen=True)
class _Refusal:
    """A version that failed: how it looked, how often it was tried, and when it may be tried again."""

    snapshot: versions.Snapshot
    num_tries: int
    retry_at: float


class ServedModel:
    """The good versions under a base path that a policy asks for. Any number of threads ask."""

    def __init__(self, entry: ModelEntry, options: LoadOptions) -> None:
        self.entry = entry
        self._options = options
        self._servables: dict[int, Servable] = {}
        self._states: dict[int, VersionState] = {}
        self._refused: dict[int, _Refusal] = {}
        self._lock = threading.Lock()
        self._polling = threading.Lock()

    def poll(self) -> None:
        """Loads what the policy asks for, then lets go what it does not.

        A version that failed is tried again when a file in it has changed, and some times after a while.
        The versions that answer stay until another one is ready, even if their folders are gone.

        Raises:
          OSError: the base path cannot be read.
        """
        with self._polling:
            entry = self.entry
            present = versions.list_complete_versions(entry.base_path)
            self._forget(present)
            chosen: list[int] = []
            for version in entry.policy.list_candidates(present):
                if version in self._servables or self._load(version, entry.base_path / str(version)):
                    chosen.append(version)
                if len(chosen) == entry.policy.num_latest:
                    break
            if chosen:
                self._unload(self._servables.keys() - set(chosen))

    def unload_all(self) -> None:
        """Lets all versions go; requests under way are answered."""
        with self._polling:
            self._unload(set(self._servables))

    def find(self, version: int | None) -> Servable | None:
        """The servable of a version, or the newest one; None if there is none."""
        servables = self._servables
        if version is None:
            version = max(servables, default=None)
        return None if version is None else servables.get(version)

    def states(self) -> dict[int, VersionState]:
        """The state of each version that is known."""
        with self._lock:
            return dict(self._states)

    def _load(self, version: int, folder: pathlib.Path) -> bool:
        """Loads a version and lets it answer; False if it is not good."""
        snapshot = versions.take_snapshot(folder)
        if not self._may_try(version, snapshot):
            return False
        self._set_state(version, VersionState(State.LOADING))
        if damage := versions.find_damage(folder):
            return self._refuse(version, snapshot, VersionState(State.END, tf.errors.DATA_LOSS, damage))
        start = time.perf_counter()
        loaded = False
        try:
            servable = Servable(self.entry.name, version, folder, self._options)
            loaded = True
        except tf.errors.OpError as error:
            state = VersionState(State.END, error.error_code, explain_graph_error(error))
            return self._refuse(version, snapshot, state)
        except Exception as error:  # Anything may be wrong with a model; the server lives on.
            state = VersionState(State.END, tf.errors.UNKNOWN, f"{type(error).__name__}: {error}")
            return self._refuse(version, snapshot, state)
        finally:
            self._options.metrics.observe_load(str(folder), loaded, time.perf_counter() - start)
        # A new dict, so that who looks into the old one sees no change.
        self._servables = {**self._servables, version: servable}
        self._refused.pop(version, None)
        self._set_state(version, VersionState(State.AVAILABLE))
        _log.info("version %d of %s answers", version, self.entry.name, extra=self._fields(version))
        return True

    def _may_try(self, version: int, snapshot: versions.Snapshot) -> bool:
        """Whether a version is new, has changed since it failed, or is due for another try."""
        refusal = self._refused.get(version)
        if refusal is None or refusal.snapshot != snapshot:
            return True
        return (
            refusal.num_tries <= self._options.max_num_load_retries and time.monotonic() >= refusal.retry_at
        )

    def _refuse(self, version: int, snapshot: versions.Snapshot, state: VersionState) -> bool:
        refusal = self._refused.get(version)
        num_tries = refusal.num_tries + 1 if refusal and refusal.snapshot == snapshot else 1
        retry_at = time.monotonic() + self._options.load_retries_interval_micros / 1e6
        self._refused[version] = _Refusal(snapshot, num_tries, retry_at)
        self._set_state(version, state)
        _log.error(
            "version %d of %s is not served: %s",
            version,
            self.entry.name,
            state.error,
            extra=self._fields(version),
        )
        return False

    def _unload(self, leaving: Iterable[int]) -> None:
        """Takes versions out of service; the last request of each lets its session go."""
        gone = set(leaving)
        if not gone:
            return
        for version in gone:
            self._set_state(version, VersionState(State.UNLOADING))
        self._servables = {v: servable for v, servable in self._servables.items() if v not in gone}
        for version in gone:
            self._set_state(version, VersionState(State.END))
            _log.info("version %d of %s is unloaded", version, self.entry.name, extra=self._fields(version))
        gc.collect()  # A session and its graph refer to each other.

    def _set_state(self, version: int, state: VersionState) -> None:
        with self._lock:
            self._states[version] = state

    def _forget(self, present: list[int]) -> None:
        """Drops what is known of versions that are gone and do not answer."""
        with self._lock:
            for version in self._states.keys() - {*present, *self._servables}:
                del self._states[version]
                self._refused.pop(version, None)

    def _fields(self, version: int) -> dict[str, object]:
        """What a line of the log says besides its message."""
        return {"model": self.entry.name, "version": version}
