"""A ModelServerConfig as a rollout changes it: versions and labels of one model; everything else stays.

The format is protobuf's text format, which TensorFlow Serving reads from --model_config_file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from components.errors import ConfigError

NUM_FINGERPRINT_LETTERS = 12


class ModelConfig:
    """One model's part of a configuration. Each change gives a new one; the text says the whole."""

    def __init__(self, text: str, model_name: str, origin: str) -> None:
        """Parses a configuration.

        Args:
          text: all of it.
          model_name: the model that is looked at.
          origin: where the text is from, for errors.
        Raises:
          ConfigError: the text cannot be parsed, or has no such model.
        """
        self._name = model_name
        self._origin = origin
        self._whole = model_server_config_pb2.ModelServerConfig()
        try:
            text_format.Parse(text, self._whole)
        except text_format.ParseError as error:
            raise ConfigError(
                f"{origin} must hold a ModelServerConfig in protobuf's text format, got line {error}; mend it"
            ) from error
        names = [model.name for model in self._whole.model_config_list.config]
        if names.count(model_name) != 1:
            raise ConfigError(
                f"{origin} must list the model {model_name} once, got {', '.join(names) or 'no model'}; add "
                "it, or name another one with --model-name"
            )
        self._model = self._whole.model_config_list.config[names.index(model_name)]

    @property
    def text(self) -> str:
        """The whole configuration."""
        return str(text_format.MessageToString(self._whole))

    @property
    def fingerprint(self) -> str:
        """A short digest of the whole configuration, for the audit."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:NUM_FINGERPRINT_LETTERS]

    @property
    def base_path(self) -> str:
        """Folder of the versions, as the servers see it."""
        return str(self._model.base_path)

    @property
    def labels(self) -> dict[str, int]:
        """Label -> version."""
        return dict(sorted(self._model.version_labels.items()))

    @property
    def versions(self) -> tuple[int, ...] | None:
        """The versions that are served, in rising order; None where the policy is another one."""
        policy = self._model.model_version_policy
        if policy.WhichOneof("policy_choice") != "specific":
            return None
        return tuple(sorted(policy.specific.versions))

    def replace(self, versions: Iterable[int], labels: Mapping[str, int]) -> ModelConfig:
        """The same with just these versions and labels.

        Raises:
          ValueError: a label names a version that is not served.
        """
        served = sorted(set(versions))
        if missing := [label for label, version in labels.items() if version not in served]:
            raise ValueError(f"label {missing[0]} must name one of {served}, got {labels[missing[0]]}")
        changed = ModelConfig(self.text, self._name, self._origin)
        model: Any = changed._model
        model.ClearField("model_version_policy")
        model.model_version_policy.specific.versions.extend(served)
        model.ClearField("version_labels")
        model.version_labels.update(labels)
        return changed


def choose_kept(versions: Sequence[int], needed: Collection[int], num_kept: int) -> list[int]:
    """The versions to keep: those that are needed, and the newest others, so many in all.

    Args:
      versions: those there are.
      needed: kept in any case, if they are there.
      num_kept: how many in all, unless more are needed.
    Returns:
      Rising.
    """
    kept = set(needed) & set(versions)
    for version in sorted(set(versions) - kept, reverse=True):
        if len(kept) >= num_kept:
            break
        kept.add(version)
    return sorted(kept)
