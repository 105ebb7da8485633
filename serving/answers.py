"""What a server tells about its model, typed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from serving.protos import wire_pb2

SIGNATURE_DEF_FIELD = "signature_def"
"""The one field of metadata that TensorFlow Serving knows."""
AVAILABLE = "AVAILABLE"
SERVING = "SERVING"
NOT_SERVING = "NOT_SERVING"
"""What health() tells, in the words of grpc.health.v1."""


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """One version of a served model.

    Attributes:
      version: its number.
      state: START, LOADING, AVAILABLE, UNLOADING or END.
      error: why it could not be loaded; empty if nothing went wrong.
    """

    version: int
    state: str
    error: str


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """Type name of a tensor, such as DT_FLOAT, and its shape, -1 where any size will do; None: any shape."""

    dtype: str
    shape: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a signature by name."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


@dataclasses.dataclass(frozen=True)
class ModelMetadata:
    """The served version and its signatures by name."""

    version: int
    signatures: Mapping[str, Signature]


def read_statuses(answer: wire_pb2.GetModelStatusResponse) -> tuple[VersionStatus, ...]:
    """The status of each version, newest first."""
    found = [
        VersionStatus(
            one.version, wire_pb2.ModelVersionStatus.State.Name(one.state), one.status.error_message
        )
        for one in answer.model_version_status
    ]
    return tuple(sorted(found, key=lambda status: status.version, reverse=True))


def read_metadata(answer: wire_pb2.GetModelMetadataResponse) -> ModelMetadata:
    """The version and its signatures."""
    # Any.Unpack wants TensorFlow's name of the message; the bytes are ours as well.
    signatures = wire_pb2.SignatureDefMap.FromString(answer.metadata[SIGNATURE_DEF_FIELD].value)
    return ModelMetadata(
        answer.model_spec.version.value,
        {
            name: Signature(_read_specs(signature.inputs), _read_specs(signature.outputs))
            for name, signature in signatures.signature_def.items()
        },
    )


def find_available(statuses: Iterable[VersionStatus]) -> int | None:
    """The newest version that is available, if there is one: what answers where none is named."""
    return max((status.version for status in statuses if status.state == AVAILABLE), default=None)


def judge_health(statuses: Iterable[VersionStatus]) -> str:
    """SERVING if a version is available, else NOT_SERVING."""
    return NOT_SERVING if find_available(statuses) is None else SERVING


def describe_statuses(statuses: Iterable[VersionStatus]) -> str:
    """Each version with its state and error, in one line."""
    return "; ".join(f"version {s.version} {s.state} {first_line(s.error)}".strip() for s in statuses)


def first_line(details: str) -> str:
    """The first line: what follows it in TensorFlow's messages is where in the graph."""
    return next(iter(details.strip().splitlines()), "")


def _read_specs(tensors: Mapping[str, wire_pb2.TensorInfo]) -> dict[str, TensorSpec]:
    specs = {}
    for name, info in tensors.items():
        shape = None if info.tensor_shape.unknown_rank else tuple(d.size for d in info.tensor_shape.dim)
        is_known = info.dtype in wire_pb2.DataType.values()
        specs[name] = TensorSpec(wire_pb2.DataType.Name(info.dtype) if is_known else str(info.dtype), shape)
    return specs
