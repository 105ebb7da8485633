"""What a task's pod has beside its command: mounted folders and environment variables."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from components.errors import ConfigError
from pipeline.kubeflow.bridge.locations import TWIN_FOLDERS
from pipeline.kubeflow.package import Json

OUTPUT_PARAMETERS_FOLDER = "/tmp/kfp/outputs"
"""Where KFP has tasks leave the files of their output parameters."""


@dataclasses.dataclass(frozen=True)
class Pod:
    """Surroundings of a task.

    Attributes:
      mounts: absolute path in the container -> folder of this machine.
      environment: variable -> value.
    """

    mounts: Mapping[str, pathlib.Path]
    environment: Mapping[str, str]

    def locate(self, path: str) -> pathlib.Path:
        """Where a path of the container is on this machine."""
        return pathlib.Path(self.translate(path))

    def translate(self, text: str) -> str:
        """A text that is a path below a mount, as it is on this machine; any other stays."""
        for mount, folder in self.mounts.items():
            if text == mount or text.startswith(f"{mount}/"):
                return str(folder) + text.removeprefix(mount)
        return text


def make_pod(
    container: Mapping[str, Any], described: Json, twins: pathlib.Path, volumes: Mapping[str, pathlib.Path]
) -> Pod:
    """Prepares a pod: its twin folders are new and empty, its volumes keep what they hold.

    Args:
      container: PipelineContainerSpec.
      described: KubernetesExecutorConfig.
      twins: folder for the local twins of its artifacts.
      volumes: name of a PersistentVolumeClaim -> folder.
    Raises:
      ConfigError: a secret's variable is not set here, or a volume has no folder.
    """
    mounts = {folder.rstrip("/"): twins / folder.strip("/") for folder in TWIN_FOLDERS.values()}
    mounts[OUTPUT_PARAMETERS_FOLDER] = twins / "parameters"
    for mount in described.get("pvcMount", []):
        mounts[mount["mountPath"]] = _find_volume(_claim_of(mount), volumes)
    for folder in mounts.values():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)
    plain = {entry["name"]: entry.get("value", "") for entry in container.get("env", [])}
    return Pod(mounts, plain | _read_secrets(described))


def _claim_of(mount: Json) -> str:
    parameter = mount.get("pvcNameParameter", {}).get("runtimeValue", {}).get("constant")
    return str(mount.get("constant") or parameter)


def _find_volume(claim: str, volumes: Mapping[str, pathlib.Path]) -> pathlib.Path:
    if claim not in volumes:
        raise ConfigError(
            f"the volume {claim} must have a folder here, got none; give one: --volume {claim}=FOLDER"
        )
    return volumes[claim]


def _read_secrets(described: Json) -> dict[str, str]:
    """Values of secrets: on a cluster from the Secret, here from this process's environment."""
    variables = [key["envVar"] for secret in described.get("secretAsEnv", []) for key in secret["keyToEnv"]]
    if missing := [name for name in variables if name not in os.environ]:
        raise ConfigError(
            f"the variable {missing[0]} must be set, since the package takes it from a Secret; "
            "export it, a rehearsal has no Secrets"
        )
    return {name: os.environ[name] for name in variables}
