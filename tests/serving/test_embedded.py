"""serving.embedded: a server process of one's own."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from components.errors import ServingError
from serving.client import ForecastClient
from serving.embedded import start_server
from tests.serving.conftest import push

pytestmark = pytest.mark.tf
ROOT = pathlib.Path(__file__).parent.parent.parent
TIMEOUT_SECONDS = 120.0
NATIVE_LOG_LINE = re.compile(r"[IWE]\d{4} |WARNING: All log messages before absl::InitializeLog")
"""What TensorFlow 2.21 prints from C++ at its import, whatever TF_CPP_MIN_LOG_LEVEL says."""

HOLD = """
import sys
from serving.embedded import start_server
with start_server(sys.argv[1]) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


def is_reachable(address):
    with ForecastClient(address, timeout_seconds=2.0) as client:
        try:
            client.status()
        except ServingError:
            return False
        return True


def test_it_ends_with_a_process_that_is_killed(exported, base_path):
    push(exported, 1, base_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(base_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        address = holder.stdout.readline().strip()
        assert is_reachable(address)
        holder.kill()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while is_reachable(address):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_model_that_is_broken_is_named(exported, base_path):
    folder = push(exported, 1, base_path)
    (folder / "saved_model.pb").write_bytes(b"")
    with (
        pytest.raises(
            ServingError, match=r"must hold a good version, got version 1: saved_model.pb must have"
        ),
        start_server(str(base_path)),
    ):
        pass


def test_a_server_that_dies_leaves_the_end_of_its_log(base_path):
    reason = r"exit code 4; its log ends:\n.*--model_name must not be empty"
    with pytest.raises(ServingError, match=reason), start_server(str(base_path), model_name=""):
        pass


def test_a_server_that_is_too_slow_is_given_up(base_path):
    reason = r"must start within 0.05 s, got its end with exit code -9"
    with pytest.raises(ServingError, match=reason), start_server(str(base_path), timeout_seconds=0.05):
        pass


def test_a_signal_ends_the_server_well(exported, base_path):
    push(exported, 1, base_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.server", "--port=0", f"--model_base_path={base_path}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert '"event": "listening"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, log = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 0
    assert rest == ""
    lines = [line for line in log.splitlines() if not NATIVE_LOG_LINE.match(line)]
    assert [(line["message"], line.get("version")) for line in map(json.loads, lines)] == [
        ("version 1 of marketcast answers", 1),
        ("stopping", None),
    ]
