"""HTTP connections to one server: kept alive, shared between threads, tried again."""

from __future__ import annotations

import contextlib
import dataclasses
import http
import http.client
import math
import random
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

from serving.call_error import CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE, CallError
from serving.client_config import (
    BACKOFF_MULTIPLIER,
    FIRST_BACKOFF_SECONDS,
    MAX_BACKOFF_SECONDS,
    ClientConfig,
)
from serving.inquiry import Deadline
from serving.tls import TlsConfig, make_ssl_context, read_credentials

CHUNK_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class Exchange:
    """What is sent: an HTTP method, a path, and a body of JSON or none."""

    method: str
    path: str
    body: bytes | None = None


class HttpConnections:
    """As many connections as there are calls at a time; idle ones wait for the next call."""

    def __init__(self, config: ClientConfig) -> None:
        """Connects at the first call.

        Args:
          config: whom to reach.
        Raises:
          ConfigError: a file of certificates cannot be used.
        """
        self._config = config
        self._context = None
        if config.is_secure:
            self._context = make_ssl_context(read_credentials(config.tls or TlsConfig()))
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Closes idle connections; those of calls under way close when they end."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def send(self, exchange: Exchange, deadline: Deadline) -> tuple[int, bytes]:
        """Sends, again where nobody was there, and reads the answer.

        Returns:
          The status and the body.
        Raises:
          CallError: there is no answer.
        """
        if self._is_closed:
            raise self._fail(CANCELLED, "the client has been closed", deadline)
        pauses = _make_pauses(self._config.max_attempts)
        while True:
            pause = next(pauses, math.inf)
            may_try_again = pause < deadline.left()
            try:
                status, body = self._try(exchange, deadline)
            except (OSError, http.client.HTTPException) as error:
                # Another try would meet the same certificates, or the same end of the time.
                if not may_try_again or isinstance(error, ssl.SSLError | TimeoutError):
                    raise self._explain(error, deadline) from error
            else:
                if not may_try_again or status != http.HTTPStatus.SERVICE_UNAVAILABLE:
                    return status, body
            time.sleep(pause)

    def _try(self, exchange: Exchange, deadline: Deadline) -> tuple[int, bytes]:
        """One try; a kept connection that the server has closed meanwhile does not count."""
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            if kept is None:
                return self._exchange(self._connect(deadline), exchange, deadline)
            with contextlib.suppress(ConnectionError, http.client.BadStatusLine):
                return self._exchange(kept, exchange, deadline)

    def _connect(self, deadline: Deadline) -> http.client.HTTPConnection:
        options: dict[str, Any] = {"timeout": _seconds(deadline)}
        target = self._config.endpoint.target
        if self._context is None:
            return http.client.HTTPConnection(target, **options)
        return http.client.HTTPSConnection(target, context=self._context, **options)

    def _exchange(
        self, connection: http.client.HTTPConnection, exchange: Exchange, deadline: Deadline
    ) -> tuple[int, bytes]:
        """Sends over one connection; it is kept if the server keeps it."""
        try:
            if connection.sock is not None:
                connection.sock.settimeout(_seconds(deadline))
            headers = {"Content-Type": "application/json", **self._config.read_headers()}
            connection.request(exchange.method, exchange.path, exchange.body, headers)
            sock = connection.sock
            sock.settimeout(_seconds(deadline))
            response = connection.getresponse()
            chunks = []
            while chunk := response.read(CHUNK_BYTES):
                chunks.append(chunk)
                sock.settimeout(_seconds(deadline))
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return response.status, b"".join(chunks)

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()

    def _fail(self, code: str, details: str, deadline: Deadline) -> CallError:
        return CallError(self._config, code, details, deadline.seconds)

    def _explain(self, error: Exception, deadline: Deadline) -> CallError:
        if isinstance(error, TimeoutError):
            return self._fail(DEADLINE_EXCEEDED, str(error), deadline)
        kind = "TLS" if isinstance(error, ssl.SSLError) else type(error).__name__
        return self._fail(UNAVAILABLE, f"{kind}: {error}", deadline)


def _make_pauses(max_attempts: int) -> Iterator[float]:
    """Seconds between the tries, with a random part, so that clients do not return all at a time."""
    backoff = FIRST_BACKOFF_SECONDS
    for _ in range(max_attempts - 1):
        yield random.uniform(0.5, 1.0) * backoff
        backoff = min(MAX_BACKOFF_SECONDS, BACKOFF_MULTIPLIER * backoff)


def _seconds(deadline: Deadline) -> float:
    """What a socket may wait; raises TimeoutError where nothing is left, as 0 would mean not to block."""
    left = deadline.left()
    if not left:
        raise TimeoutError("timed out")
    return left
