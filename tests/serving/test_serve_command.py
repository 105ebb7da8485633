"""`marketcast serve`, as it is typed: where it says it is, it answers."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys

import pytest

from pipeline.serve import serve
from serving.connect import connect
from serving.server_config import ServerConfig
from tests.conftest import ROOT, run_marketcast
from tests.serving.conftest import free_port, push
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf


@contextlib.contextmanager
def start(folder, *flags):
    """The process of a server, once it has said where it is; and what it said."""
    command = [sys.executable, "-m", "pipeline.cli", "serve", "--model-base-path", str(folder), *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder
    )
    try:
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_it_says_where_it_is_and_ends_well(exported, base_path):
    push(exported, 1, base_path)
    port, rest_port = free_port(), free_port()
    flags = ("--port", str(port), "--rest_api_port", str(rest_port))
    with start(base_path, *flags) as (process, line):
        assert line == (
            f"marketcast: gRPC on 127.0.0.1:{port} and REST on http://127.0.0.1:{rest_port}; Ctrl-C ends it\n"
        )
        answers = []
        for address in (f"127.0.0.1:{port}", f"http://127.0.0.1:{rest_port}"):
            with connect(address) as client:
                answers.append(client.forecast(make_frame(1)).model_version)
        assert answers == ["tiny-1", "tiny-1"]
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_it_says_so_where_nothing_can_be_served_yet(tmp_path):
    with start(tmp_path, "--port", "0") as (process, line):
        assert "REST" not in line
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
        assert "no version can be served yet; one is as soon as it is pushed" in errors


def test_it_speaks_json_to_machines(tmp_path):
    with start(tmp_path, "--port", "0", "--json") as (process, line):
        started = json.loads(line)
        assert (started["models"], started["is_available"], started["rest_port"]) == (
            ["marketcast"],
            False,
            0,
        )
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
        assert "stopping" in [json.loads(text)["message"] for text in errors.splitlines()]


def test_every_flag_of_the_server_is_an_option():
    options = {option.name for option in serve.params}
    assert {field.name for field in dataclasses.fields(ServerConfig)} <= options


def test_a_flag_that_cannot_be_is_one_line(tmp_path):
    ended = run_marketcast(tmp_path, "serve", "--port", "99999")
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr == "error: --port must be in 0 .. 65535, got 99999; use a port that is free\n"
