"""The port that tells metrics and health."""

from __future__ import annotations

import http.server
import threading
from typing import Protocol

from components.errors import ServingError

METRICS_PATH = "/metrics"
HEALTH_PATH = "/healthz"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TIMEOUT_SECONDS = 10.0


class Metrics(Protocol):
    """What a process tells of itself."""

    def format(self) -> str:
        """Everything, in Prometheus' text format."""

    def is_alive(self, pause_seconds: float) -> bool:
        """Whether it gave a sign of life, pauses of this length being normal."""


class MetricsServer:
    """Answers GET /metrics and GET /healthz from a thread of its own, until the process ends."""

    def __init__(self, metrics: Metrics, port: int, pause_seconds: float) -> None:
        """Takes the port.

        Args:
          metrics: what is told.
          port: 0 for any free one.
          pause_seconds: longest pause of a process that is well.
        Raises:
          ServingError: the port is taken.
        """
        handler = _make_handler(metrics, pause_seconds)
        try:
            self._server = http.server.ThreadingHTTPServer(("", port), handler)
        except (OSError, OverflowError) as error:
            raise ServingError(
                f"--metrics-port must be free, got {port}: {error}; name another one"
            ) from error
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True, name="metrics").start()

    def close(self) -> None:
        """Gives the port back."""
        self._server.shutdown()
        self._server.server_close()


def _make_handler(metrics: Metrics, pause_seconds: float) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = TIMEOUT_SECONDS

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == METRICS_PATH:
                self._answer(200, metrics.format())
            elif path == HEALTH_PATH:
                is_alive = metrics.is_alive(pause_seconds)
                self._answer(200 if is_alive else 503, "ok\n" if is_alive else "it hangs\n")
            else:
                self._answer(404, f"{METRICS_PATH} or {HEALTH_PATH}\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
            """Says nothing: probes and scrapes are no news."""

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
