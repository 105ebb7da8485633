"""The flags of `python -m serving.server`: read as TensorFlow Serving reads them, refused in one line."""

from __future__ import annotations

import argparse
import dataclasses
import os
import subprocess
import sys

import pytest

from serving.server_config import ServerConfig, add_flags, parse_flags
from tests.conftest import ROOT
from tests.serving.conftest import free_port

OF_THEIR_OWN_FORM = ("batching_parameters_file", "grpc_channel_arguments")
OTHER_VALUES = {int: "7", float: "0.5", str: "text", bool: "true"}


def parse(*flags):
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return parse_flags(flags, parser)


def run(*flags):
    """Ends a server that cannot start: exit code and what it said."""
    command = [sys.executable, "-W", "ignore", "-m", "serving.server", *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    "field",
    [field for field in dataclasses.fields(ServerConfig) if field.name not in OF_THEIR_OWN_FORM],
    ids=lambda field: field.name,
)
def test_each_flag_sets_its_own_value(field):
    kind = type(field.default)
    text = "false" if field.default is True else OTHER_VALUES[kind]
    expected = (text == "true") if kind is bool else kind(text)
    assert expected != field.default
    assert parse(f"--{field.name}={text}") == dataclasses.replace(ServerConfig(), **{field.name: expected})


@pytest.mark.parametrize(
    ("flag", "is_on"),
    [("--enable_batching", True), *((f"--enable_batching={word}", True) for word in ("true", "1", "True"))]
    + [(f"--enable_batching={word}", False) for word in ("false", "0", "False")],
)
def test_a_switch_can_be_written_as_tensorflows_flags_are(flag, is_on):
    assert parse(flag).enable_batching is is_on


def test_options_of_the_channel_are_numbers_where_they_can_be():
    config = parse("--grpc_channel_arguments=grpc.max_connection_age_ms=20000,grpc.primary_user_agent=a=b")
    assert config.channel_options == (
        ("grpc.max_connection_age_ms", 20000),
        ("grpc.primary_user_agent", "a=b"),
    )
    assert ServerConfig().channel_options == ()


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--por=1"], 2, "unrecognized arguments: --por=1"),
        (["--port=many"], 2, "argument --port: invalid int value: 'many'"),
        (["--enable_batching=perhaps"], 2, "must be true or false, got 'perhaps'"),
        (["--port=70000"], 4, "--port must be in 0 .. 65535, got 70000"),
        (["--rest_api_timeout_in_ms=-1"], 4, "--rest_api_timeout_in_ms must be zero or more, got -1"),
        (["--grpc_channel_arguments=age"], 4, "--grpc_channel_arguments must be name=value pairs"),
        (["--batching_parameters_file=b"], 4, "must come with --enable_batching"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_line(flags, code, message):
    ended = run(*flags)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (code, "", 1), ended.stderr
    assert ended.stderr.startswith("error: ")
    assert message in ended.stderr


FILES = {
    "model_config_file": "model_config_list {\n  confg {}\n}\n",
    "monitoring_config_file": "prometheus_config {\n  enabled: true\n}\n",
    "ssl_config_file": "server_key:\n  1\n",
    "batching_parameters_file": "max_batch_size {\n  vlue: 1\n}\n",
}


@pytest.mark.tf
@pytest.mark.parametrize("flag", FILES)
def test_a_broken_file_is_one_line_that_tells_where(flag, tmp_path):
    path = tmp_path / "broken.config"
    path.write_text(FILES[flag])
    more = ["--enable_batching"] if flag == "batching_parameters_file" else []
    rest = [f"--rest_api_port={free_port()}"] if flag == "monitoring_config_file" else []
    ended = run("--port=0", f"--model_base_path={tmp_path}", f"--{flag}={path}", *more, *rest)
    assert (ended.returncode, ended.stdout) == (4, ""), ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert f"error: --{flag} must hold a " in ended.stderr
    assert f"{path}:2:" in ended.stderr


@pytest.mark.tf
def test_a_missing_file_is_one_line(tmp_path):
    ended = run("--port=0", f"--model_config_file={tmp_path / 'none'}")
    assert (ended.returncode, ended.stderr.count("\n")) == (4, 1), ended.stderr
    assert "error: --model_config_file must name a file that can be read" in ended.stderr
