"""The embedded server, for laptops and tests; TensorFlow Serving's protocol, flags and answers.

It prints one line of JSON on standard output when it answers, {"event": "listening", ...}, and logs to
standard error. In production TensorFlow Serving itself does this work.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import json
import logging
import os
import pathlib
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import IO

import grpc

from components import contract
from components.errors import ConfigError, MarketcastError, ServingError

DEFAULT_PORT = 8500
"""TensorFlow Serving's."""
LOOPBACK = "127.0.0.1"
LISTENING = "listening"
"""Event of the line that tells the port."""
NUM_REQUEST_THREADS = max(4, 2 * (os.cpu_count() or 1))
GRACE_SECONDS = 10.0
"""How long requests under way may still take when the server stops."""
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Else two servers could share a port, and each would get half of the requests.
    ("grpc.so_reuseport", 0),
)
LOG_FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"


@dataclasses.dataclass(frozen=True)
class ServerConfig:
    """What the server serves, and where; the first four are TensorFlow Serving's flags.

    Attributes:
      port: of gRPC; 0 takes a free one.
      model_name: what clients call the model.
      model_base_path: folder of the versions.
      file_system_poll_wait_seconds: between two looks for new versions; 0 looks once.
      host: address to listen on; the default is reached from this machine only.
    """

    port: int = DEFAULT_PORT
    model_name: str = contract.MODEL_NAME
    model_base_path: str = f"models/{contract.MODEL_NAME}"
    file_system_poll_wait_seconds: float = 1.0
    host: str = LOOPBACK

    def __post_init__(self) -> None:
        if not 0 <= self.port < 1 << 16:
            raise ConfigError(f"--port must be in 0 .. 65535, got {self.port}; 0 takes a free one")
        if self.file_system_poll_wait_seconds < 0:
            raise ConfigError(
                "--file_system_poll_wait_seconds must be zero or more, got "
                f"{self.file_system_poll_wait_seconds:g}; 0 looks for versions once"
            )
        for name in ("model_name", "model_base_path", "host"):
            if not getattr(self, name):
                raise ConfigError(f"--{name} must not be empty, got ''; leave it out for the default")


class Server:
    """A server in this process; it answers from start() to stop()."""

    def __init__(self, config: ServerConfig) -> None:
        """Takes the port. Imports TensorFlow.

        Raises:
          ServingError: the port is taken.
        """
        _quieten_tensorflow()
        from serving.model_server.served_model import ServedModel
        from serving.model_server.services import add_services

        self.model = ServedModel(config.model_name, pathlib.Path(config.model_base_path))
        self._config = config
        self._stopping = threading.Event()
        self._grpc = grpc.server(
            concurrent.futures.ThreadPoolExecutor(NUM_REQUEST_THREADS), options=CHANNEL_OPTIONS
        )
        add_services(self._grpc, self.model)
        self.port = _bind(self._grpc, config)
        self.address = f"{config.host}:{self.port}"
        self._watch = threading.Thread(
            target=self.model.watch, args=(config.file_system_poll_wait_seconds, self._stopping)
        )

    def start(self) -> None:
        """Loads the newest good version, if there is one, then answers and watches for newer ones.

        Raises:
          ServingError: the model base path is no folder that can be read.
        """
        try:
            self.model.poll()
        except OSError as error:
            raise ServingError(
                f"--model_base_path must be a folder that can be read, got {error}; check the path"
            ) from error
        self._grpc.start()
        self._watch.start()

    def stop(self) -> None:
        """Takes no more requests and ends when those under way are answered, or after GRACE_SECONDS."""
        self._stopping.set()
        self._grpc.stop(GRACE_SECONDS).wait()
        self._watch.join()


def run(config: ServerConfig, stopping: threading.Event | None = None) -> None:
    """Serves until SIGTERM or SIGINT, or until `stopping` is set; to be called from the main thread.

    Args:
      config: what to serve.
      stopping: another way to end it.
    Raises:
      ServingError: the port is taken.
    """
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    stopping = stopping or threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    server = Server(config)
    server.start()
    line = {"event": LISTENING, "address": server.address, "port": server.port, "model": config.model_name}
    print(json.dumps(line), flush=True)
    stopping.wait()
    logging.getLogger(__name__).info("stopping")
    server.stop()


def _bind(server: grpc.Server, config: ServerConfig) -> int:
    """Takes the port; returns its number."""
    try:
        return server.add_insecure_port(f"{config.host}:{config.port}")
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


def _stop_at_end(stream: IO[str], stopping: threading.Event) -> None:
    """Sets `stopping` when the other end of a pipe is closed, be it by the death of its process."""
    while stream.read(1):
        pass
    stopping.set()


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m serving.server`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m serving.server", description=__doc__)
    for field in dataclasses.fields(ServerConfig):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    parser.add_argument("--stop_at_stdin_end", action="store_true", help="stop when standard input ends")
    flags = vars(parser.parse_args(arguments))
    stopping = threading.Event()
    if flags.pop("stop_at_stdin_end"):
        threading.Thread(target=_stop_at_end, args=(sys.stdin, stopping), daemon=True).start()
    try:
        run(ServerConfig(**flags), stopping)
    except MarketcastError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
