"""The client over gRPC: asks a TensorFlow Serving or an embedded server, without TensorFlow."""

from __future__ import annotations

from typing import Any, TypeVar

import grpc

from serving.answers import ModelMetadata, VersionStatus
from serving.blocking_client import BlockingClient
from serving.call_error import CANCELLED, NOT_FOUND, UNIMPLEMENTED, CallError
from serving.channels import make_channel
from serving.client_config import ClientConfig
from serving.forecast import Forecast
from serving.inquiry import Batch, Deadline
from serving.requests import METHODS, Question, ask_forecast, ask_health, ask_metadata, ask_status

Answer = TypeVar("Answer")


class ForecastClient(BlockingClient):
    """A gRPC connection to a server; see BlockingClient."""

    def __init__(self, target: str | ClientConfig, **settings: Any) -> None:
        super().__init__(target, **settings)
        self._channel = make_channel(self.config)
        self._calls = {method.path: method.bind(self._channel) for method in METHODS}

    def close(self) -> None:
        self._channel.close()

    def _ask(self, batch: Batch, deadline: Deadline) -> Forecast | None:
        try:
            return self._call(ask_forecast(self.config, batch), deadline)
        except CallError as error:
            if batch.version is not None and error.code == NOT_FOUND:
                return None
            raise

    def _list_versions(self, deadline: Deadline) -> tuple[VersionStatus, ...]:
        return self._call(ask_status(self.config), deadline)

    def _describe_model(self, deadline: Deadline) -> ModelMetadata:
        return self._call(ask_metadata(self.config), deadline)

    def _check_health(self, deadline: Deadline) -> str:
        try:
            return self._call(ask_health(), deadline)
        except CallError as error:
            if error.code != UNIMPLEMENTED:
                raise
        return super()._check_health(deadline)

    def _call(self, question: Question[Answer], deadline: Deadline) -> Answer:
        headers = tuple(self.config.read_headers().items())
        call = self._calls[question.method.path]
        try:
            answer = call(question.request, timeout=deadline.left(), metadata=headers)
        except grpc.RpcError as error:
            raise explain(self.config, error, deadline) from error
        except ValueError as error:  # The channel has been closed.
            raise CallError(self.config, CANCELLED, str(error), deadline.seconds) from error
        return question.read(answer)


def explain(config: ClientConfig, error: Any, deadline: Deadline) -> CallError:
    """The CallError for what grpc or grpc.aio raised."""
    return CallError(config, error.code().name, error.details() or "", deadline.seconds)
