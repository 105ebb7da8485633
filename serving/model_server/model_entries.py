"""Which models a server serves, and which versions of each: what a ModelServerConfig says.

Source: model_server_config.proto and file_system_storage_path_source.proto of TensorFlow Serving, and its
server_core.cc for the rules and the words of the refusals.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import grpc
from tensorflow_serving.config import model_server_config_pb2

from serving.model_server.request_error import RequestError, refuse

PLATFORM = "tensorflow"


@dataclasses.dataclass(frozen=True)
class VersionPolicy:
    """Which of the versions on disk are served; by default the newest one.

    Attributes:
      num_latest: so many of the newest; None means all.
      specific: only these; empty means any.
    """

    num_latest: int | None = 1
    specific: tuple[int, ...] = ()

    def list_candidates(self, present: Sequence[int]) -> list[int]:
        """The versions among `present`, newest first, that may be served."""
        return [version for version in present if not self.specific or version in self.specific]


@dataclasses.dataclass(frozen=True)
class ModelEntry:
    """One model.

    Attributes:
      name: what clients call it.
      base_path: folder of its versions.
      policy: which of them are served.
      labels: label -> version.
    """

    name: str
    base_path: pathlib.Path
    policy: VersionPolicy = VersionPolicy()
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)


def read_entries(config: model_server_config_pb2.ModelServerConfig) -> tuple[ModelEntry, ...]:
    """The models of a configuration.

    Raises:
      RequestError: a model is listed twice, has no absolute base path, or is not of this platform.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise refuse(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is "
            "currently supported"
        )
    entries = tuple(_read_entry(model) for model in config.model_config_list.config)
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise refuse(f"Illegal to list model {name} multiple times in config list")
    return entries


def _read_entry(model: model_server_config_pb2.ModelConfig) -> ModelEntry:
    if not model.name:
        raise refuse("Illegal to list a model without a name in config list")
    if model.model_platform and model.model_platform != PLATFORM:
        raise refuse(f"Model {model.name} must be of platform {PLATFORM}, got {model.model_platform}")
    if not model.model_platform and model.model_type != model_server_config_pb2.ModelType.TENSORFLOW:
        raise refuse(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            "ModelServerConfig::model_platform."
        )
    if not pathlib.PurePath(model.base_path).is_absolute():
        raise refuse(
            f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}"
        )
    return ModelEntry(
        model.name, pathlib.Path(model.base_path), _read_policy(model), dict(model.version_labels)
    )


def _read_policy(model: model_server_config_pb2.ModelConfig) -> VersionPolicy:
    policy = model.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return VersionPolicy(num_latest=None)
    if kind == "specific":
        if not policy.specific.versions:
            raise RequestError(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"Model {model.name} must name its specific versions, got none",
            )
        return VersionPolicy(num_latest=None, specific=tuple(policy.specific.versions))
    return VersionPolicy(num_latest=max(policy.latest.num_versions, 1))
