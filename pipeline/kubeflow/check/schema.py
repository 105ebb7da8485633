"""Reads a package as strictly as KFP does, with KFP's own messages; no other file of the check needs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.check.pipeline_view import dig, pod_place
from pipeline.kubeflow.check.violation import Violation, accepted, broken, refused, refused_run
from pipeline.kubeflow.package import Json

RULE = "schema"
KUBERNETES = "kubernetes"
_UNKNOWN_FORMAT = refused("unknown template format: pipeline spec is invalid")
_DROPPED = accepted("it drops what it does not know, and runs without it")
_NOT_SEEN = accepted(
    "it takes the document for a foreign one: no secret, volume or node selector reaches a pod"
)
_FIELDS = re.compile(r"Failed to parse (\w+) field")
_TYPE_MARK = "@type"
"""KFP lets it stand in a deployment spec."""


def read_spec(document: Json) -> tuple[Json | None, Json, list[Violation]]:
    """Reads a pipeline spec.

    Returns:
      PipelineSpec, its executors, and what is wrong. Unknown fields are not in the first two; the first is
      None where a value has the wrong type.
    """
    spec, violations = _read(
        pipeline_spec_pb2.PipelineSpec(), document, "", (_UNKNOWN_FORMAT, _UNKNOWN_FORMAT)
    )
    said = (_DROPPED, refused_run("failed to read the deployment spec"))
    deployment, more = _read(
        pipeline_spec_pb2.PipelineDeploymentConfig(),
        dig(spec or {}, "deploymentSpec"),
        "deploymentSpec",
        said,
    )
    readable = spec is not None and deployment is not None
    return spec if readable else None, dig(deployment or {}, "executors"), violations + more


def read_platform(document: Json) -> tuple[Json, list[Violation]]:
    """Reads a platform document.

    Returns:
      Label -> KubernetesExecutorConfig, and what is wrong.
    """
    platform, violations = _read(pipeline_spec_pb2.PlatformSpec(), document, "", (_NOT_SEEN, _NOT_SEEN))
    pods: Json = {}
    executors = dig(platform or {}, "platforms", KUBERNETES, "deploymentSpec", "executors")
    for label, config in executors.items():
        said = refused_run("failed to unmarshal kubernetes config")
        pod, more = _read(kubernetes_pb2.KubernetesExecutorConfig(), config, pod_place(label), (said, said))
        pods[label] = pod or {}
        violations += more
    return pods, violations


def _read(
    message: Message, value: Json, place: str, consequences: tuple[str, str]
) -> tuple[Json | None, list[Violation]]:
    """Reads a message; `consequences` are those of an unknown field, and of a value of the wrong type."""
    unknown, wrong = consequences
    violations = [
        broken(
            RULE,
            f"{inner}.{field}" if inner else field,
            f"must be a field that KFP knows, got an unknown one in {kind}; correct its name or take it out",
            unknown,
        )
        for inner, field, kind in _unknown_fields(message.DESCRIPTOR, value, place)
    ]
    try:
        json_format.ParseDict(value, message, ignore_unknown_fields=True)
    except (json_format.ParseError, TypeError, AttributeError, ValueError) as error:
        # Only the names: the value, which protobuf shows too, may be a secret.
        fields = _FIELDS.findall(str(error))
        name = ".".join([*([place] if place else []), *fields]) or message.DESCRIPTOR.name
        how = "must have the type that KFP gives it, got another; correct it, a text in quotes"
        return None, [*violations, broken(RULE, name, how, wrong)]
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
