"""Reads a package as strictly as KFP does, with KFP's own messages; the only file of the check that needs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.check.pipeline_view import dig, pod_place
from pipeline.kubeflow.check.violation import Violation, accepted, broken, refused
from pipeline.kubeflow.package import Json

RULE = "schema"
KUBERNETES = "kubernetes"
_UNKNOWN_FORMAT = refused("unknown template format: pipeline spec is invalid")
_DROPPED = accepted("it drops what it does not know, and runs without it")
_NOT_SEEN = accepted(
    "it takes the document for a foreign one: no secret, volume or node selector reaches a pod"
)
_TYPE_MARK = "@type"
"""KFP lets it stand in a deployment spec."""


def read_spec(document: Json) -> tuple[Json, Json, list[Violation]]:
    """Reads a pipeline spec.

    Returns:
      PipelineSpec, its executors, and what is wrong with them; what is wrong is not in the first two.
    """
    spec, violations = _read(pipeline_spec_pb2.PipelineSpec(), document, "", _UNKNOWN_FORMAT)
    deployment, more = _read(
        pipeline_spec_pb2.PipelineDeploymentConfig(), dig(spec, "deploymentSpec"), "deploymentSpec", _DROPPED
    )
    return spec, dig(deployment, "executors"), violations + more


def read_platform(document: Json) -> tuple[Json, list[Violation]]:
    """Reads a platform document.

    Returns:
      Label -> KubernetesExecutorConfig, and what is wrong.
    """
    platform, violations = _read(pipeline_spec_pb2.PlatformSpec(), document, "", _NOT_SEEN)
    pods = {}
    for label, config in dig(platform, "platforms", KUBERNETES, "deploymentSpec", "executors").items():
        pods[label], more = _read(
            kubernetes_pb2.KubernetesExecutorConfig(),
            config,
            pod_place(label),
            refused("failed to unmarshal kubernetes config: unknown field"),
        )
        violations += more
    return pods, violations


def _read(message: Message, value: Json, place: str, consequence: str) -> tuple[Json, list[Violation]]:
    violations = [
        broken(
            RULE,
            f"{inner}.{field}" if inner else field,
            f"must be a field that KFP knows, got an unknown one in {kind}; correct its name or take it out",
            consequence,
        )
        for inner, field, kind in _unknown_fields(message.DESCRIPTOR, value, place)
    ]
    try:
        json_format.ParseDict(value, message, ignore_unknown_fields=True)
    except (json_format.ParseError, TypeError, AttributeError, ValueError) as error:
        reason = " ".join(str(error).split())
        name = place or message.DESCRIPTOR.name
        how = f"must have values of the types that KFP knows, got {reason}; correct them"
        return {}, [*violations, broken(RULE, name, how, consequence)]
    return json_format.MessageToDict(message), violations


def _unknown_fields(message: Descriptor, value: Any, place: str) -> Iterator[tuple[str, str, str]]:
    """Yields the place, the name and the message of each unknown field."""
    if not isinstance(value, dict) or message.full_name.startswith("google.protobuf."):
        return
    fields = {name: field for field in message.fields for name in (field.name, field.json_name)}
    for key, inner in value.items():
        if key not in fields:
            if key != _TYPE_MARK:
                yield place, str(key), message.name
        elif fields[key].message_type is not None:
            inner_place = f"{place}.{key}" if place else str(key)
            yield from _inside(fields[key].message_type, inner, inner_place)


def _inside(message: Descriptor, value: Any, place: str) -> Iterator[tuple[str, str, str]]:
    if message.GetOptions().map_entry:
        kind = message.fields_by_name["value"].message_type
        if kind is not None and isinstance(value, dict):
            for key, inner in value.items():
                yield from _unknown_fields(kind, inner, f"{place}[{key}]")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unknown_fields(message, inner, f"{place}[{index}]")
    else:
        yield from _unknown_fields(message, value, place)
