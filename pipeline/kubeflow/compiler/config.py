"""What a compiled pipeline asks of the cluster: the section `kubeflow` of the configuration."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re
from collections.abc import Collection, Mapping

from components.errors import ConfigError

NVIDIA_GPU = "nvidia.com/gpu"
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
TOLERATION_OPERATORS = ("Equal", "Exists")
EFFECTS = ("", "NoSchedule", "PreferNoSchedule", "NoExecute")
REUSING_STEPS = ("BarsExampleGen", "StatisticsGen", "Transform", "Trainer", "LeakageAudit", "Rehearsal")
"""Those that keep results for later runs, see components.reuse."""
_QUANTITY = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?)(?:m|[kMGTPE]|[KMGTPE]i)?")
"""Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""


@dataclasses.dataclass(frozen=True)
class TolerationConfig:
    """A taint that the pods bear; its key stands before it.

    Attributes:
      operator: Equal or Exists.
      value: of the taint, for Equal.
      effect: NoSchedule, PreferNoSchedule or NoExecute; empty for all.
    """

    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def __post_init__(self) -> None:
        _check_among("toleration operator", self.operator, TOLERATION_OPERATORS)
        _check_among("toleration effect", self.effect, EFFECTS)
        if self.operator == "Exists" and self.value:
            raise ValueError(
                f"toleration value must be empty with the operator Exists, got {self.value!r}; "
                "take it out, or write Equal"
            )


@dataclasses.dataclass(frozen=True)
class StepConfig:
    """What one step's pod asks for; quantities as Kubernetes writes them, empty for none.

    Attributes:
      cpu_request: CPUs set aside, such as 500m.
      cpu_limit: CPUs at most.
      memory_request: memory set aside, such as 2Gi.
      memory_limit: memory at most.
      gpus: number of GPUs.
      gpu_type: resource name of the GPUs.
      node_selector: labels that its node must have, over those of all steps.
      tolerations: key of a taint -> how it is borne, besides those of all steps.
    """

    cpu_request: str = ""
    cpu_limit: str = ""
    memory_request: str = ""
    memory_limit: str = ""
    gpus: int = 0
    gpu_type: str = NVIDIA_GPU
    node_selector: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tolerations: Mapping[str, TolerationConfig] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("cpu_request", "cpu_limit", "memory_request", "memory_limit"):
            value = getattr(self, name)
            if value and not _QUANTITY.fullmatch(value):
                raise ValueError(
                    f"{name} must be a quantity such as 500m, 2 or 4Gi, got {value!r}; write it so, in quotes"
                )
        if self.gpus < 0:
            raise ValueError(f"gpus must not be negative, got {self.gpus}; 0 asks for none")


@dataclasses.dataclass(frozen=True)
class SecretKeyConfig:
    """A value in a Kubernetes Secret; never the value itself.

    Attributes:
      secret: name of the Secret.
      key: in it.
      steps: names of the steps that get it; empty for all.
    """

    secret: str
    key: str
    steps: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class VolumeConfig:
    """Where a PersistentVolumeClaim is mounted; the claim's name stands before it.

    Attributes:
      mount_path: absolute path in the container.
      steps: names of the steps that mount it; empty for all.
    """

    mount_path: str
    steps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.mount_path.startswith("/") or self.mount_path == "/":
            raise ValueError(
                f"mount_path must be an absolute path below /, got {self.mount_path!r}; such as /models"
            )


@dataclasses.dataclass(frozen=True)
class KubeflowConfig:
    """How the pipeline is compiled for Kubeflow Pipelines.

    Attributes:
      image: of every step, with a tag or a digest; empty for marketcast:VERSION.
      image_pull_policy: Always, IfNotPresent or Never.
      image_pull_secret: name of the Secret for the image's registry; empty for none.
      labels: on every pod.
      secrets: environment variable -> the Secret that holds its value.
      volumes: name of a PersistentVolumeClaim -> where it is mounted.
      results_folder: where steps keep results for later runs of the same content, on one of the volumes that
        they all mount (see docs/scale.md); empty for nowhere.
      node_selector: labels that the nodes of all steps must have.
      tolerations: key of a taint -> how all steps bear it.
      resources: what each step's pod asks for.
      steps: name of a step -> what its pod asks for instead.
    """

    image: str = ""
    image_pull_policy: str = "IfNotPresent"
    image_pull_secret: str = ""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secrets: Mapping[str, SecretKeyConfig] = dataclasses.field(default_factory=dict)
    volumes: Mapping[str, VolumeConfig] = dataclasses.field(default_factory=dict)
    results_folder: str = ""
    node_selector: Mapping[str, str] = dataclasses.field(default_factory=dict)
    tolerations: Mapping[str, TolerationConfig] = dataclasses.field(default_factory=dict)
    resources: StepConfig = dataclasses.field(default_factory=StepConfig)
    steps: Mapping[str, StepConfig] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_among("kubeflow.image_pull_policy", self.image_pull_policy, PULL_POLICIES)
        name = self.image.rsplit("/", 1)[-1]
        if self.image and (name.endswith(":latest") or not set(":@") & set(name)):
            raise ValueError(
                f"kubeflow.image must have a tag other than latest, or a digest, got {self.image!r}; "
                "a run must be able to name its code"
            )

    @property
    def full_image(self) -> str:
        """The image, with its default filled in."""
        return self.image or f"marketcast:{importlib.metadata.version('marketcast')}"

    def check_results_folder(self, steps: Collection[str]) -> None:
        """Raises a ConfigError where one of the steps would not find results_folder on a volume."""
        if not self.results_folder:
            return
        for step in sorted(steps):
            mounts = [
                volume.mount_path.rstrip("/")
                for volume in self.volumes.values()
                if not volume.steps or step in volume.steps
            ]
            if not any(self.results_folder.startswith(f"{own}/") for own in mounts):
                raise ConfigError(
                    f"kubeflow.results_folder must lie on a volume that {step} mounts, got "
                    f"{self.results_folder}; mount one in {', '.join(sorted(steps))}, or leave it empty"
                )

    def step(self, name: str) -> StepConfig:
        """What one step's pod asks for; see `steps`."""
        return self.steps.get(name, self.resources)

    def named_steps(self) -> set[str]:
        """Every step that the configuration speaks of."""
        named = [volume.steps for volume in self.volumes.values()]
        named += [secret.steps for secret in self.secrets.values()]
        return set(self.steps).union(*named)


def _check_among(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        choices = ", ".join(filter(None, known))
        raise ValueError(f"{name} must be among {choices}, got {value!r}; write one of them")
