"""The platform document: what Kubernetes is to know of each step beside its container."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes_pb2

from pipeline.kubeflow.compiler.config import KubeflowConfig
from pipeline.kubeflow.package import Json


def make_platform(labels: Mapping[str, str], config: KubeflowConfig) -> Json:
    """Describes the pods of all steps.

    Args:
      labels: step -> label of its executor.
      config: what the steps ask for.
    Returns:
      PlatformSpec as JSON.
    """
    executors = {label: describe_pod(step, config) for step, label in labels.items()}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def describe_pod(step: str, config: KubeflowConfig) -> Json:
    """KubernetesExecutorConfig of one step as JSON."""
    own = config.step(step)
    pod = kubernetes_pb2.KubernetesExecutorConfig(image_pull_policy=config.image_pull_policy)
    for variable, value in sorted(config.secrets.items()):
        if value.steps and step not in value.steps:
            continue
        entry = pod.secret_as_env.add(secret_name=value.secret)
        entry.key_to_env.add(secret_key=value.key, env_var=variable)
    for claim, volume in sorted(config.volumes.items()):
        if not volume.steps or step in volume.steps:
            pod.pvc_mount.add(constant=claim, mount_path=volume.mount_path)
    if selector := {**config.node_selector, **own.node_selector}:
        pod.node_selector.labels.update(selector)
    for key, toleration in sorted({**config.tolerations, **own.tolerations}.items()):
        pod.tolerations.add(
            key=key, operator=toleration.operator, value=toleration.value, effect=toleration.effect
        )
    if config.image_pull_secret:
        pod.image_pull_secret.add(secret_name=config.image_pull_secret)
    if config.labels:
        pod.pod_metadata.labels.update(config.labels)
    described: Json = json_format.MessageToDict(pod)
    return described
