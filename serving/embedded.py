"""A server of one's own: started on a free port for as long as it is needed."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import IO

from components import contract
from components.errors import ServingError
from serving.answers import AVAILABLE, first_line
from serving.client import ForecastClient
from serving.server import GRACE_SECONDS

START_TIMEOUT_SECONDS = 180.0
"""The import of TensorFlow takes half a minute on a slow machine."""
KILL_AFTER_SECONDS = GRACE_SECONDS + 5.0
NUM_LOG_LINES = 10
_ROOT = pathlib.Path(__file__).parent.parent


@contextlib.contextmanager
def start_server(
    model_base_path: str,
    model_name: str = contract.MODEL_NAME,
    timeout_seconds: float = START_TIMEOUT_SECONDS,
) -> Iterator[str]:
    """Runs a server process until the end of the `with`, or the death of this process.

    Args:
      model_base_path: folder of the versions.
      model_name: what clients call the model.
      timeout_seconds: limit for the start.
    Yields:
      The address, host:port, where a version is available.
    Raises:
      ServingError: it did not start in time, died, or has no version that is good.
    """
    flags = {"port": "0", "model_name": model_name, "model_base_path": model_base_path}
    command = [
        sys.executable,
        "-m",
        "serving.server",
        *(f"--{name}={value}" for name, value in flags.items()),
    ]
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [*command, "--stop_at_stdin_end"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        try:
            address = _await_address(process, log, timeout_seconds)
            _check_available(address, model_name, model_base_path)
            yield address
        finally:
            _stop(process)


def _await_address(process: subprocess.Popen[str], log: IO[str], timeout_seconds: float) -> str:
    """Waits for the line that tells the address."""
    timer = threading.Timer(timeout_seconds, process.kill)
    timer.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
    finally:
        timer.cancel()
    if line:
        return str(json.loads(line)["address"])
    code = process.wait()
    log.seek(0)
    last_lines = "".join(f"\n  {text.rstrip()}" for text in log.readlines()[-NUM_LOG_LINES:])
    raise ServingError(
        f"the server must start within {timeout_seconds:g} s, got its end with exit code {code}; its log "
        f"ends:{last_lines or ' (empty)'}"
    )


def _check_available(address: str, model_name: str, model_base_path: str) -> None:
    """A server that listens has looked for versions once: what it has not now, it lacks."""
    with ForecastClient(address, model_name=model_name) as client:
        try:
            statuses = client.status()
        except ServingError as error:
            raise ServingError(
                f"{model_base_path} must hold a pushed version, got none; run `marketcast run` first"
            ) from error
    if not any(status.state == AVAILABLE for status in statuses):
        reasons = "; ".join(f"version {status.version}: {first_line(status.error)}" for status in statuses)
        raise ServingError(f"{model_base_path} must hold a good version, got {reasons}; push a model again")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(KILL_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
