"""The client over REST, where gRPC cannot pass: the same methods, but slower and of one request more."""

from __future__ import annotations

import http
from typing import Any

from components.errors import ConfigError
from serving import json_bodies
from serving.addresses import REST
from serving.answers import ModelMetadata, VersionStatus, describe_statuses, find_available
from serving.blocking_client import BlockingClient
from serving.call_error import NOT_FOUND, CallError
from serving.client_config import ClientConfig
from serving.forecast import Forecast
from serving.http_connections import Exchange, HttpConnections
from serving.inquiry import Batch, Deadline


class RestForecastClient(BlockingClient):
    """HTTP connections to a server; see BlockingClient.

    An answer of REST does not tell its version. So the version is found first, and asked by its number.
    """

    def __init__(self, target: str | ClientConfig, **settings: Any) -> None:
        super().__init__(target, **settings)
        if self.config.endpoint.protocol != REST:
            raise ConfigError(
                f"a REST client's address must be a URL of http or https, got {self.address}; use "
                "serving.client for those of gRPC"
            )
        self._connections = HttpConnections(self.config)

    def close(self) -> None:
        self._connections.close()

    def _ask(self, batch: Batch, deadline: Deadline) -> Forecast | None:
        version = self.config.version if batch.version is None else batch.version
        if version is None:
            version = self._find_version(deadline)
        sent = json_bodies.write_bars(self.config, batch.bars, batch.is_universe)
        exchange = Exchange("POST", f"{self._path(version)}:predict", sent)
        try:
            body = self._send(exchange, deadline)
        except CallError as error:
            if self.config.version is None and error.code == NOT_FOUND:
                return None
            raise
        return json_bodies.read_prediction(self.config, body, batch.bars, version)

    def _list_versions(self, deadline: Deadline) -> tuple[VersionStatus, ...]:
        return json_bodies.read_status_body(self.config, self._send(Exchange("GET", self._path()), deadline))

    def _describe_model(self, deadline: Deadline) -> ModelMetadata:
        path = self._path(self.config.version, self.config.label)
        body = self._send(Exchange("GET", f"{path}/metadata"), deadline)
        return json_bodies.read_metadata_body(self.config, body)

    def _find_version(self, deadline: Deadline) -> int:
        """The version that would answer, of those that are available."""
        if self.config.label:
            return self._describe_model(deadline).version
        statuses = self._list_versions(deadline)
        if (version := find_available(statuses)) is None:
            raise CallError(self.config, NOT_FOUND, describe_statuses(statuses), deadline.seconds)
        return version

    def _path(self, version: int | None = None, label: str = "") -> str:
        return json_bodies.make_model_path(self.config, version, label)

    def _send(self, exchange: Exchange, deadline: Deadline) -> bytes:
        status, body = self._connections.send(exchange, deadline)
        if status != http.HTTPStatus.OK:
            raise CallError(self.config, *json_bodies.read_error(status, body), deadline.seconds)
        return body
