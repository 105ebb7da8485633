"""The client's calls: which there are, what is sent and how the answer is read; nothing is sent here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from components import contract
from components.errors import ServingError
from serving.answers import (
    NOT_SERVING,
    SERVING,
    SIGNATURE_DEF_FIELD,
    ModelMetadata,
    VersionStatus,
    read_metadata,
    read_statuses,
)
from serving.client_config import ClientConfig
from serving.forecast import Forecast, read_forecast, take_shared
from serving.inquiry import Batch
from serving.protos import wire_pb2
from serving.tensors import read_tensor, write_tensor

Answer = TypeVar("Answer")


@dataclasses.dataclass(frozen=True)
class Method:
    """One method of a gRPC service: its path, and the types of its two messages."""

    path: str
    request: Any
    response: Any

    def bind(self, channel: Any) -> Callable[..., Any]:
        """What calls it over a channel, be it of grpc or of grpc.aio."""
        return channel.unary_unary(
            self.path,
            request_serializer=self.request.SerializeToString,
            response_deserializer=self.response.FromString,
        )


PREDICT = Method(
    "/tensorflow.serving.PredictionService/Predict", wire_pb2.PredictRequest, wire_pb2.PredictResponse
)
METADATA = Method(
    "/tensorflow.serving.PredictionService/GetModelMetadata",
    wire_pb2.GetModelMetadataRequest,
    wire_pb2.GetModelMetadataResponse,
)
STATUS = Method(
    "/tensorflow.serving.ModelService/GetModelStatus",
    wire_pb2.GetModelStatusRequest,
    wire_pb2.GetModelStatusResponse,
)
HEALTH = Method("/grpc.health.v1.Health/Check", wire_pb2.HealthCheckRequest, wire_pb2.HealthCheckResponse)
METHODS = (PREDICT, METADATA, STATUS, HEALTH)
"""All of them only read, so each can be tried again."""


@dataclasses.dataclass(frozen=True)
class Question(Generic[Answer]):
    """One call that is to be made.

    Attributes:
      method: what is called.
      request: its message.
      read: makes of the answer's message what the caller wants; raises ServingError over one that is no good.
    """

    method: Method
    request: Any
    read: Callable[[Any], Answer]


def ask_forecast(config: ClientConfig, batch: Batch) -> Question[Forecast]:
    """Asks for a forecast of the batch's tickers."""
    spec = _make_model_spec(config, batch.version)
    spec.signature_name = contract.UNIVERSE_SIGNATURE if batch.is_universe else config.signature_name
    request = wire_pb2.PredictRequest(model_spec=spec)
    names = np.array([name.encode() for name in batch.bars.tickers], object)
    days = {contract.DATE: batch.bars.days.astype(np.int64)} if batch.is_universe else {}
    for name, column in {contract.TICKER: names, **days, **batch.bars.columns}.items():
        write_tensor(column, request.inputs[name])

    def read(answer: wire_pb2.PredictResponse) -> Forecast:
        try:
            outputs = {name: read_tensor(tensor) for name, tensor in answer.outputs.items()}
        except ValueError as error:
            raise ServingError(f"{config.address} must answer tensors, got: {error}") from error
        return read_forecast(
            take_shared(outputs) if config.by_rows else outputs, batch.bars, answer.model_spec.version.value
        )

    return Question(PREDICT, request, read)


def ask_metadata(config: ClientConfig) -> Question[ModelMetadata]:
    """Asks for the signatures of the version that would answer."""
    request = wire_pb2.GetModelMetadataRequest(
        model_spec=_make_model_spec(config), metadata_field=[SIGNATURE_DEF_FIELD]
    )
    return Question(METADATA, request, read_metadata)


def ask_status(config: ClientConfig) -> Question[tuple[VersionStatus, ...]]:
    """Asks for all versions, whichever the config names."""
    request = wire_pb2.GetModelStatusRequest(model_spec=wire_pb2.ModelSpec(name=config.model_name))
    return Question(STATUS, request, read_statuses)


def ask_health() -> Question[str]:
    """Asks after the server as a whole."""

    def read(answer: wire_pb2.HealthCheckResponse) -> str:
        is_serving = answer.status == wire_pb2.HealthCheckResponse.SERVING
        return SERVING if is_serving else NOT_SERVING

    return Question(HEALTH, wire_pb2.HealthCheckRequest(), read)


def _make_model_spec(config: ClientConfig, version: int | None = None) -> wire_pb2.ModelSpec:
    spec = wire_pb2.ModelSpec(name=config.model_name)
    version = config.version if version is None else version
    if version is not None:
        spec.version.value = version
    elif config.label:
        spec.version_label = config.label
    return spec
