"""The REST server: HTTP in a thread of its own, the models in others."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import logging
import os
import socket
import threading
import time

import grpc
from aiohttp import web

from components.errors import ServingError
from serving.model_server.metrics import OK, REST, Metrics
from serving.model_server.models import Models
from serving.model_server.request_error import RequestError
from serving.model_server.rest.api import Reply, answer
from serving.server_config import ServerConfig

MAX_BODY_BYTES = 256 << 20
"""Of one request; 4,096 tickers' bars take a quarter of it."""
NUM_THREADS = max(4, 2 * (os.cpu_count() or 1))
BACKLOG = 1024
MAX_LINE_BYTES = 65536
SETTLE_SECONDS = 0.1
"""For connections that came before a stop to reach their handlers; the library forgets those on the way."""
JSON_TYPE = "application/json"
PROMETHEUS_TYPE = "text/plain"


class RestServer:
    """Answers TensorFlow Serving's REST interface from start() to stop()."""

    def __init__(self, models: Models, metrics: Metrics, config: ServerConfig, prometheus_path: str) -> None:
        """Takes the port.

        Args:
          models: what is served.
          metrics: what is counted.
          config: host, port, threads and time limit.
          prometheus_path: where the figures are told; empty tells none.
        Raises:
          ServingError: the port is taken.
        """
        self._models = models
        self._metrics = metrics
        self._prometheus_path = prometheus_path
        self._timeout_seconds = config.rest_api_timeout_in_ms / 1000.0
        self._socket = _listen(config.host, config.rest_api_port)
        self.port: int = self._socket.getsockname()[1]
        self._pool = concurrent.futures.ThreadPoolExecutor(
            config.rest_api_num_threads or NUM_THREADS, thread_name_prefix="rest"
        )
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        # What is no HTTP is answered by the library, with 400; it must not fill the log with tracebacks.
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
        self._thread = threading.Thread(target=self._loop.run_forever, name="rest-loop", daemon=True)

    def start(self) -> None:
        """Answers from now on."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def stop(self, grace_seconds: float) -> None:
        """Takes no more requests; those under way are answered, or end after `grace_seconds`."""
        asyncio.run_coroutine_threadsafe(self._stop(grace_seconds), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._pool.shutdown()

    async def _start(self) -> None:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, access_log=None, max_line_size=MAX_LINE_BYTES, max_field_size=MAX_LINE_BYTES
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket, backlog=BACKLOG).start()

    async def _stop(self, grace_seconds: float) -> None:
        if self._runner is not None:
            await asyncio.sleep(SETTLE_SECONDS)
            for site in list(self._runner.sites):
                await site.stop()
            await asyncio.sleep(SETTLE_SECONDS)
            self._runner._shutdown_timeout = grace_seconds
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        """One request of any kind."""
        path = request.path
        if self._prometheus_path and path == self._prometheus_path and request.method in ("GET", "HEAD"):
            return web.Response(text=self._metrics.format(), content_type=PROMETHEUS_TYPE)
        start = time.perf_counter()
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            return _refuse_body(f"a body must have at most {MAX_BODY_BYTES} bytes", error.status)
        except web.RequestPayloadError as error:
            return _refuse_body(f"the body cannot be read: {error}", web.HTTPBadRequest.status_code)
        reply, content = await self._answer(request.method, path, body)
        if reply.api:
            status = reply.error.code.name if reply.error else OK
            self._metrics.observe_request(
                self._models.known_name(reply.model), reply.api, REST, status, time.perf_counter() - start
            )
        return web.Response(body=content, status=reply.http_status, content_type=JSON_TYPE)

    async def _answer(self, method: str, path: str, body: bytes) -> tuple[Reply, bytes]:
        """The reply and its JSON, made in the pool."""
        work = self._loop.run_in_executor(self._pool, self._make, method, path, body)
        try:
            return await asyncio.wait_for(work, self._timeout_seconds or None)
        except TimeoutError:
            late = RequestError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                f"an answer must be there after {self._timeout_seconds:g} s, got none",
            )
            return Reply({"error": late.message}, late), json.dumps({"error": late.message}).encode()

    def _make(self, method: str, path: str, body: bytes) -> tuple[Reply, bytes]:
        reply = answer(self._models, method, path, body)
        return reply, json.dumps(reply.body).encode()


def _refuse_body(message: str, status: int) -> web.Response:
    return web.json_response({"error": message}, status=status)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that has the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ServingError(
            f"--rest_api_port must be free on {host}, got {port}, which is not ({error.strerror}); stop what "
            "listens there, or use another port"
        ) from error
    return listening
