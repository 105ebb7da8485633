"""The versions that the servers' models.config names."""

from __future__ import annotations

import pathlib

from components.errors import ConfigError
from serving.model_config import ModelConfig
from serving.model_sync.problems import WantedError


def read_named_versions(path: str, model_name: str) -> set[int]:
    """Versions that a label or a `specific` policy of a model names.

    Args:
      path: of a ModelServerConfig in protobuf's text format.
      model_name: the model.
    Raises:
      WantedError: the file cannot be read, or has no such model.
    """
    try:
        config = ModelConfig(pathlib.Path(path).read_text(encoding="utf-8"), model_name, path)
    except (OSError, UnicodeDecodeError) as error:
        raise WantedError(
            f"--models-config must name a file that can be read, got {error}; check the path"
        ) from error
    except ConfigError as error:
        raise WantedError(str(error)) from error
    return {*(config.versions or ()), *config.labels.values()}
