"""The client: asks a TensorFlow Serving or an embedded server for forecasts, without TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from components import contract
from components.errors import ServingError
from serving.answers import (
    AVAILABLE,
    SIGNATURE_DEF_FIELD,
    ModelMetadata,
    VersionStatus,
    first_line,
    read_metadata,
    read_statuses,
)
from serving.bars import take_latest_bars
from serving.forecast import Forecast, read_forecast
from serving.protos import wire_pb2
from serving.tensors import Array, read_tensor, write_tensor

Answer = TypeVar("Answer")

PREDICT_METHOD = "/tensorflow.serving.PredictionService/Predict"
METADATA_METHOD = "/tensorflow.serving.PredictionService/GetModelMetadata"
STATUS_METHOD = "/tensorflow.serving.ModelService/GetModelStatus"

TIMEOUT_SECONDS = 10.0
AVAILABLE_PAUSE_SECONDS = 0.1
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Else a server that starts a moment later is found a second later.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5000),
)
_NOT_YET = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED)


class ForecastClient:
    """A connection to a server; safe to share between threads, and worth keeping.

    Use it as a context manager, or close it.
    """

    def __init__(
        self, address: str, model_name: str = contract.MODEL_NAME, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Connects at the first call.

        Args:
          address: host:port.
          model_name: what the server calls the model.
          timeout_seconds: deadline of each call that names none.
        """
        self.address = address
        self._model_name = model_name
        self._timeout_seconds = timeout_seconds
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._predict = self._bind(PREDICT_METHOD, wire_pb2.PredictRequest, wire_pb2.PredictResponse)
        self._metadata = self._bind(
            METADATA_METHOD, wire_pb2.GetModelMetadataRequest, wire_pb2.GetModelMetadataResponse
        )
        self._status = self._bind(
            STATUS_METHOD, wire_pb2.GetModelStatusRequest, wire_pb2.GetModelStatusResponse
        )

    def __enter__(self) -> ForecastClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; calls under way end with an error."""
        self._channel.close()

    def forecast(self, bars: Any, timeout_seconds: float | None = None) -> Forecast:
        """Asks for the price bands of the next days.

        Args:
          bars: at least contract.LOOKBACK bars of each ticker; see serving.bars.take_latest_bars.
          timeout_seconds: deadline of the call.
        Raises:
          InputError: the bars would be refused; nothing was sent.
          ServingError: the server cannot be reached, or refuses.
        """
        latest = take_latest_bars(bars)
        request = wire_pb2.PredictRequest(model_spec=self._model_spec(contract.FORECAST_SIGNATURE))
        ticker = request.inputs[contract.TICKER]
        ticker.dtype = wire_pb2.DT_STRING
        ticker.tensor_shape.dim.add().size = len(latest.tickers)
        ticker.string_val.extend(name.encode() for name in latest.tickers)
        for name, column in latest.columns.items():
            write_tensor(column, request.inputs[name])
        answer = self._call(self._predict, request, timeout_seconds)
        return read_forecast(self._read_outputs(answer), latest, answer.model_spec.version.value)

    def status(self, timeout_seconds: float | None = None) -> tuple[VersionStatus, ...]:
        """Each version that the server knows, newest first.

        Raises:
          ServingError: the server cannot be reached, or knows no version of the model.
        """
        return read_statuses(self._call(self._status, self._status_request(), timeout_seconds))

    def metadata(self, timeout_seconds: float | None = None) -> ModelMetadata:
        """The version that would answer, and its signatures.

        Raises:
          ServingError: the server cannot be reached, or has no version of the model.
        """
        request = wire_pb2.GetModelMetadataRequest(
            model_spec=self._model_spec(), metadata_field=[SIGNATURE_DEF_FIELD]
        )
        answer = self._call(self._metadata, request, timeout_seconds)
        return read_metadata(answer)

    def wait_until_available(self, timeout_seconds: float) -> int:
        """Waits for a server that has loaded a version of the model.

        Returns:
          The newest version that is available.
        Raises:
          ServingError: there is none in time; says what the server answered last.
        """
        deadline = time.monotonic() + timeout_seconds
        reason = "no answer"
        while (left := deadline - time.monotonic()) > 0.0:
            try:
                statuses = read_statuses(self._status(self._status_request(), timeout=left))
            except grpc.RpcError as error:
                if error.code() not in _NOT_YET:
                    raise self._explain(error, left) from error
                reason = error.details()
            else:
                available = [status.version for status in statuses if status.state == AVAILABLE]
                if available:
                    return available[0]
                reason = "; ".join(
                    f"version {s.version} {s.state} {first_line(s.error)}".strip() for s in statuses
                )
            time.sleep(min(AVAILABLE_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))
        raise ServingError(
            f"{self.address} must have a version of {self._model_name} within {timeout_seconds:g} s, got: "
            f"{first_line(reason)}; look at the server's log"
        )

    def _bind(self, method: str, request: Any, response: Any) -> Callable[..., Any]:
        return self._channel.unary_unary(
            method, request_serializer=request.SerializeToString, response_deserializer=response.FromString
        )

    def _model_spec(self, signature: str = "") -> wire_pb2.ModelSpec:
        return wire_pb2.ModelSpec(name=self._model_name, signature_name=signature)

    def _status_request(self) -> wire_pb2.GetModelStatusRequest:
        return wire_pb2.GetModelStatusRequest(model_spec=self._model_spec())

    def _call(self, method: Callable[..., Answer], request: Any, timeout_seconds: float | None) -> Answer:
        timeout = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise self._explain(error, timeout) from error

    def _explain(self, error: Any, timeout_seconds: float) -> ServingError:
        """The ServingError for what gRPC raised."""
        code, details = error.code(), first_line(error.details() or "")
        if code == grpc.StatusCode.UNAVAILABLE:
            return ServingError(
                f"{self.address} must be a server that can be reached, got: {details}; check the address, or "
                "start one with `marketcast serve`"
            )
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return ServingError(
                f"{self.address} must answer within {timeout_seconds:g} s, got no answer; allow more time, "
                "or look at the server's load"
            )
        if code == grpc.StatusCode.NOT_FOUND:
            return ServingError(
                f"{self.address} must serve the model {self._model_name}, got: {details}; check the model's "
                "name and the versions under the server's model base path"
            )
        return ServingError(
            f"{self.address} must answer the request, got {code.name}: {details}; check the request, and "
            "that the model is one of marketcast"
        )

    def _read_outputs(self, answer: wire_pb2.PredictResponse) -> dict[str, Array]:
        try:
            return {name: read_tensor(tensor) for name, tensor in answer.outputs.items()}
        except ValueError as error:
            raise ServingError(f"{self.address} must answer tensors, got: {error}") from error
