"""The embedded server, for laptops and tests; TensorFlow Serving's protocol, flags and answers.

It prints one line of JSON on standard output when it answers, {"event": "listening", ...}, and logs to
standard error, a JSON object a line. In production TensorFlow Serving itself does this work.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import IO, Any, NoReturn

import grpc

from components.errors import MarketcastError, ServingError
from serving.log_lines import log_lines
from serving.server_config import ServerConfig, add_flags, parse_flags
from serving.stop_request import StopRequest

LISTENING = "listening"
"""Event of the line that tells the ports."""
NUM_REQUEST_THREADS = max(4, 2 * (os.cpu_count() or 1))
GRACE_SECONDS = 10.0
"""How long requests under way may still take when the server stops."""
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Else two servers could share a port, and each would get half of the requests.
    ("grpc.so_reuseport", 0),
)
_log = logging.getLogger(__name__)


class Server:
    """A server in this process; it answers from start() to stop()."""

    def __init__(self, config: ServerConfig) -> None:
        """Takes the ports. Imports TensorFlow.

        Raises:
          ConfigError: a file that a flag names is missing or says what cannot be.
          ServingError: a port is taken.
        """
        _quieten_tensorflow()
        # Bytes that are no message are answered with INTERNAL; they must not fill the log with tracebacks.
        logging.getLogger("grpc._common").setLevel(logging.CRITICAL)
        from serving.model_server import assembly
        from serving.model_server.metrics import Metrics
        from serving.model_server.services import add_services

        self._config = config
        self._stopping = threading.Event()
        self._batcher = assembly.make_batcher(config)
        self.metrics = Metrics()
        self.models = assembly.make_models(config, self.metrics, self._batcher)
        self._source = assembly.make_source(config)
        self._grpc = grpc.server(
            concurrent.futures.ThreadPoolExecutor(config.grpc_max_threads or NUM_REQUEST_THREADS),
            options=(*CHANNEL_OPTIONS, *config.channel_options),
        )
        add_services(self._grpc, self.models, self.metrics)
        self._health = assembly.add_health(config, self._grpc)
        self.port = _bind(self._grpc, config)
        self.address = f"{config.host}:{self.port}"
        self._rest = assembly.make_rest(config, self.models, self.metrics)
        self.rest_port = self._rest.port if self._rest else 0
        self._watches = [
            threading.Thread(target=self._repeat, args=(self.poll, config.file_system_poll_wait_seconds)),
            threading.Thread(
                target=self._repeat, args=(self._follow_file, config.model_config_file_poll_wait_seconds)
            ),
        ]

    def start(self) -> None:
        """Loads the versions that are to be served, if there are any, then answers and watches for others.

        Raises:
          ConfigError: the models' configuration says what cannot be.
        """
        self._source.apply_first(self.models)
        self._tell_health()
        self._grpc.start()
        if self._rest:
            self._rest.start()
        for watch in self._watches:
            watch.start()

    def poll(self) -> None:
        """Looks for new versions, once."""
        self.models.poll()
        self._tell_health()

    def stop(self) -> None:
        """Takes no more requests and ends when those under way are answered, or after GRACE_SECONDS."""
        self._stopping.set()
        if self._health:
            self._health.stop()
        ended = self._grpc.stop(GRACE_SECONDS)
        if self._rest:
            self._rest.stop(GRACE_SECONDS)
        ended.wait()
        for watch in self._watches:
            watch.join()
        if self._batcher:
            self._batcher.stop()

    def describe(self) -> dict[str, Any]:
        """Where it is, and what it serves: the line {"event": "listening", ...}, as JSON types."""
        return {
            "event": LISTENING,
            "address": self.address,
            "port": self.port,
            "rest_port": self.rest_port,
            "rest_address": f"{self._config.host}:{self.rest_port}" if self.rest_port else "",
            "models": self.models.names(),
            "is_available": self.models.are_available(),
        }

    def _follow_file(self) -> None:
        """Looks into --model_config_file, once."""
        self._source.follow(self.models)
        self._tell_health()

    def _tell_health(self) -> None:
        if self._health:
            self._health.tell(self.models.are_available())

    def _repeat(self, step: Callable[[], None], wait_seconds: float) -> None:
        """Does a step now and then until the server stops; never where the wait is zero."""
        while wait_seconds > 0 and not self._stopping.wait(wait_seconds):
            step()


def run(
    config: ServerConfig, tell: Callable[[dict[str, Any]], None], stop_request: StopRequest | None = None
) -> None:
    """Serves until SIGTERM or SIGINT, or until `stop_request` is made; to be called from the main thread.

    Args:
      config: what to serve.
      tell: called once it answers, with Server.describe().
      stop_request: another way to end it.
    Raises:
      ConfigError: a file that a flag names is missing or says what cannot be.
      ServingError: a port is taken.
    """
    stop_request = stop_request or StopRequest()
    stop_request.listen()
    server = Server(config)
    server.start()
    tell(server.describe())
    stop_request.wait()
    _log.info("stopping")
    server.stop()


def _bind(server: grpc.Server, config: ServerConfig) -> int:
    """Takes the port of gRPC; returns its number."""
    address = f"{config.host}:{config.port}"
    try:
        if not config.ssl_config_file:
            return server.add_insecure_port(address)
        from serving.model_server.credentials import read_credentials

        return server.add_secure_port(address, read_credentials(config.ssl_config_file))
    except RuntimeError as error:
        raise ServingError(
            f"--port must be free on {config.host}, got {config.port}, which is not; stop what listens "
            "there, or use --port 0"
        ) from error


def _quieten_tensorflow() -> None:
    """Keeps TensorFlow's warnings and advice off standard error, as far as it lets itself be silenced."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings(action="ignore"):
        import tensorflow as tf

    tf.get_logger().setLevel(logging.ERROR)


def _stop_at_end(stream: IO[str], stop_request: StopRequest) -> None:
    """Makes the request when the other end of a pipe is closed, be it by the death of its process."""
    while stream.read(1):
        pass
    stop_request.make("the end of standard input")


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong in one line, for the usage alone is fifty."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m serving.server`; returns the exit code."""
    parser = _Parser(prog="python -m serving.server", description=__doc__, allow_abbrev=False)
    add_flags(parser)
    parser.add_argument("--stop_at_stdin_end", action="store_true", help="stop when standard input ends")
    stop_request = StopRequest()
    try:
        config = parse_flags(arguments, parser)
        log_lines(sys.stderr)
        if parser.parse_args(arguments).stop_at_stdin_end:
            threading.Thread(target=_stop_at_end, args=(sys.stdin, stop_request), daemon=True).start()
        run(config, lambda started: print(json.dumps(started), flush=True), stop_request)
    except MarketcastError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
