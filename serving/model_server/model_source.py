"""Where a server learns which models to serve: from its flags, or from a file that may change."""

from __future__ import annotations

import logging
import pathlib
from typing import Protocol

from tensorflow_serving.config import model_server_config_pb2

from components.errors import ConfigError, ServingError
from serving.model_server import versions
from serving.model_server.model_entries import ModelEntry, read_entries
from serving.model_server.models import Models
from serving.model_server.request_error import RequestError
from serving.model_server.text_files import read_message

FLAG = "model_config_file"
_log = logging.getLogger(__name__)


class ModelSource(Protocol):
    """Says which models to serve."""

    def apply_first(self, models: Models) -> None:
        """Serves them; a mistake ends the start."""

    def follow(self, models: Models) -> None:
        """Serves them as they are now; a mistake is logged, and the models stay as they were."""


class FlagSource:
    """One model, the newest version of it."""

    def __init__(self, name: str, base_path: str) -> None:
        self._entry = ModelEntry(name, pathlib.Path(base_path).absolute())

    def apply_first(self, models: Models) -> None:
        """Serves it.

        Raises:
          ServingError: the base path is no folder that can be read.
        """
        try:
            versions.list_complete_versions(self._entry.base_path)
        except OSError as error:
            raise ServingError(
                f"--model_base_path must be a folder that can be read, got {error}; check the path"
            ) from error
        models.configure([self._entry])

    def follow(self, models: Models) -> None:
        """Does nothing: flags do not change."""


class FileSource:
    """The models of a --model_config_file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._applied = b""

    def apply_first(self, models: Models) -> None:
        """Serves the models of the file.

        Raises:
          ConfigError: the file says what cannot be, or a label names a version that is not loaded.
        """
        try:
            self._apply(models)
        except RequestError as error:
            raise ConfigError(
                f"--{FLAG} must be one that can be served, got {self._path}: {error.message}; mend it (a "
                "label of the first configuration needs --allow_version_labels_for_unavailable_models)"
            ) from error

    def follow(self, models: Models) -> None:
        """Serves what the file says now, if it has changed or could not be served before."""
        try:
            if pathlib.Path(self._path).read_bytes() != self._applied:
                self._apply(models)
        except (OSError, ConfigError) as error:
            _log.error("the models stay as they were: %s", error)
        except RequestError as error:
            _log.error("the models stay as they were: %s: %s", self._path, error.message)

    def _apply(self, models: Models) -> None:
        # Read before it is parsed: a change in between is then seen at the next look.
        content = pathlib.Path(self._path).read_bytes() if pathlib.Path(self._path).is_file() else b""
        config = read_message(FLAG, self._path, model_server_config_pb2.ModelServerConfig())
        models.configure(read_entries(config))
        self._applied = content
