"""The models of a server: finds what a request asks for, and follows the configuration.

Source: server_core.cc and get_model_status_impl.cc of TensorFlow Serving: the order of the steps of a reload,
and the words of the refusals.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

import grpc
from tensorflow_serving.apis import model_pb2

from serving.model_server.load_options import LoadOptions
from serving.model_server.model_entries import ModelEntry
from serving.model_server.request_error import RequestError, refuse
from serving.model_server.servable import Servable
from serving.model_server.served_model import ServedModel, State, VersionState

OTHER = "other"
"""Stands for all models that are not served, where requests are counted."""
_log = logging.getLogger(__name__)


class Models:
    """Models by name. Any number of threads ask; reloads and polls may come at any time."""

    def __init__(self, options: LoadOptions, allow_labels_for_unavailable: bool = False) -> None:
        """Knows no model yet.

        Args:
          options: how versions are loaded.
          allow_labels_for_unavailable: a label that is new, or stays where it is, may name a version
            that is not loaded.
        """
        self._options = options
        self._allow_labels_for_unavailable = allow_labels_for_unavailable
        self._models: dict[str, ServedModel] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._reloading = threading.Lock()

    def configure(self, entries: Iterable[ModelEntry]) -> set[str]:
        """Serves these models from now on, and no others.

        Labels come first, as in TensorFlow Serving: a label can only move to a version that is loaded
        already, so that a promotion takes two steps.

        Returns:
          The names of the models that are new.
        Raises:
          RequestError: a label names a version that is not available; nothing has changed.
        """
        with self._reloading:
            wanted = {entry.name: entry for entry in entries}
            labels = {entry.name: self._check_labels(entry) for entry in wanted.values()}
            self._labels = labels
            new = wanted.keys() - self._models.keys()
            gone = [model for name, model in self._models.items() if name not in wanted]
            models = {
                name: self._models.get(name) or ServedModel(wanted[name], self._options) for name in wanted
            }
            for name, model in models.items():
                model.entry = wanted[name]
            self._models = models
            for model in gone:
                model.unload_all()
            self.poll()
            return new

    def check_available(self, names: Iterable[str]) -> None:
        """Raises RequestError unless each of these models has a version that answers."""
        models = self._models
        missing = [name for name in sorted(names) if name in models and models[name].find(None) is None]
        if missing:
            reasons = "".join(f"{{{name}{_first_error(models[name])}}}, " for name in missing)
            raise RequestError(
                grpc.StatusCode.UNKNOWN, f"{len(missing)} model(s) did not become available: {{{reasons}}}"
            )

    def poll(self) -> None:
        """Follows the versions on disk; an error of the file system is logged, the other models go on."""
        for model in self._models.values():
            try:
                model.poll()
            except OSError as error:
                _log.warning("%s must be a folder that can be read, got %s", model.entry.base_path, error)

    def are_available(self) -> bool:
        """Whether each model has a version that answers."""
        models = self._models
        return bool(models) and all(model.find(None) for model in models.values())

    def names(self) -> list[str]:
        """The models' names."""
        return list(self._models)

    def known_name(self, name: str) -> str:
        """The name, or OTHER where no model has it: who asks for any name must not fill our memory."""
        return name if name in self._models else OTHER

    def find(self, spec: model_pb2.ModelSpec) -> Servable:
        """The servable that a request asks for.

        Raises:
          RequestError: there is none.
        """
        if not spec.name:
            raise refuse("ModelSpec has no name specified.")
        version = self._choose_version(spec)
        model = self._models.get(spec.name)
        servable = model.find(version) if model else None
        if servable is None:
            asked = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")
        return servable

    def describe(self, spec: model_pb2.ModelSpec) -> dict[int, VersionState]:
        """The state of the version that is asked for, or of all.

        Raises:
          RequestError: there is none.
        """
        version = self._choose_version(spec)
        model = self._models.get(spec.name)
        states = model.states() if model else {}
        if version is None:
            if states:
                return states
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        if version in states:
            return {version: states[version]}
        raise RequestError(
            grpc.StatusCode.NOT_FOUND, f"Could not find version {version} of model {spec.name}"
        )

    def _choose_version(self, spec: model_pb2.ModelSpec) -> int | None:
        """The version that a spec names, itself or by a label; None where it names none."""
        if spec.HasField("version"):
            return spec.version.value
        if not spec.HasField("version_label"):
            return None
        labels = self._labels.get(spec.name, {})
        if spec.version_label not in labels:
            raise refuse(f"Unrecognized servable version label: {spec.version_label}")
        return labels[spec.version_label]

    def _check_labels(self, entry: ModelEntry) -> dict[str, int]:
        """The labels of a model, each of which may go where it is to go."""
        model = self._models.get(entry.name)
        states = model.states() if model else {}
        known = self._labels.get(entry.name, {})
        for label, version in entry.labels.items():
            stays_or_is_new = known.get(label, version) == version
            if self._allow_labels_for_unavailable and stays_or_is_new:
                continue
            if version not in states or states[version].state != State.AVAILABLE:
                raise RequestError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Request to assign label to version {version} of model {entry.name}, which is not "
                    "currently available for inference",
                )
        return dict(entry.labels)


def _first_error(model: ServedModel) -> str:
    """Why the newest version of a model that failed did so."""
    failed = [state.error for _, state in sorted(model.states().items(), reverse=True) if state.error]
    return f" due to error: {failed[0]}" if failed else ""
