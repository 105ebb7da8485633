"""What a task's pod has beside its command: mounted folders and environment variables."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from components.errors import ConfigError
from pipeline.kubeflow.bridge.locations import TWIN_FOLDERS
from pipeline.kubeflow.package import Json
from pipeline.kubeflow.rehearsal.driver import OUTPUT_PARAMETERS_FOLDER


@dataclasses.dataclass(frozen=True)
class Pod:
    """Surroundings of a task.

    Attributes:
      twins: folder of this machine that holds the twin folders.
      mounts: absolute path in the container -> folder of this machine.
      environment: variable -> value.
    """

    twins: pathlib.Path
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
    mounts |= {
        mount["mountPath"].rstrip("/"): _find_volume(claim_of(mount), volumes)
        for mount in described.get("pvcMount", [])
    }
    for folder in mounts.values():
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o777)  # a container runs as a user of its own
    plain = {entry["name"]: entry.get("value", "") for entry in container.get("env", [])}
    return Pod(twins, mounts, plain | read_secrets([described]))


def claim_of(mount: Mapping[str, Any]) -> str:
    """Name of the PersistentVolumeClaim of a pvcMount; empty where it is not a constant."""
    parameter = mount.get("pvcNameParameter", {}).get("runtimeValue", {}).get("constant", "")
    return str(mount.get("constant") or parameter)


def read_secrets(pods: Iterable[Json]) -> dict[str, str]:
    """Values of secrets: on a cluster from the Secret, here from this process's environment.

    Args:
      pods: KubernetesExecutorConfig of each.
    Raises:
      ConfigError: a variable is not set.
    """
    secrets = [secret for pod in pods for secret in pod.get("secretAsEnv", [])]
    variables = [key["envVar"] for secret in secrets for key in secret["keyToEnv"]]
    if missing := [name for name in variables if name not in os.environ]:
        raise ConfigError(
            f"the variable {missing[0]} must be set, since the package takes it from a Secret; "
            "export it, a rehearsal has no Secrets"
        )
    return {name: os.environ[name] for name in variables}


def _find_volume(claim: str, volumes: Mapping[str, pathlib.Path]) -> pathlib.Path:
    if claim not in volumes:
        raise ConfigError(
            f"the volume '{claim}' must have a folder here, got none; give one: --volume {claim}=FOLDER"
        )
    return volumes[claim]
