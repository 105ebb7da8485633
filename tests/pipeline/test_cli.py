"""The command as a user types it: help, usage, refused configurations, exit codes."""

import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from pipeline import doctor
from pipeline.cli import main
from tests.conftest import ROOT, run_marketcast

FRAMEWORKS = {"apache_beam", "grpc", "keras", "numpy", "pandas", "tensorflow", "tfx"}
COMMANDS = sorted(main.commands)


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_no_framework(arguments):
    program = (
        "import sys; from pipeline.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        f"sys.exit(', '.join({FRAMEWORKS} & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "Usage:" in ended.stdout


def test_wrong_usage_ends_with_2():
    assert CliRunner().invoke(main, ["run", "--no-such-flag"]).exit_code == 2


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_an_interrupted_command_says_so_and_ends_with_130(interruption, monkeypatch):
    def stop(_):
        raise interruption

    monkeypatch.setattr(doctor, "examine", stop)
    ended = CliRunner().invoke(main, ["doctor"])
    assert (ended.exit_code, ended.output) == (130, "interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (
            ["--ticker", "AAPL"],
            5,
            "models/marketcast must hold a pushed model, got none; run `marketcast run`",
        ),
        (
            ["--ticker", "APPL"],
            4,
            "a ticker must be one of data/raw/stock_prices.csv, got 'APPL'; the nearest",
        ),
        (
            ["--ticker", "AAPL", "--address", "127.0.0.1:1"],
            5,
            "127.0.0.1:1 must be a server that can be reached",
        ),
        (["--ticker", "AAPL", "--data", "none.csv"], 4, "source.path must lead to files"),
        (["--ticker", "AAPL", "--set", "source.pth=x"], 4, "source.pth must be a known key"),
    ],
)
def test_a_forecast_that_cannot_be_is_one_line_and_its_exit_code(tmp_path, arguments, exit_code, message):
    ended = run_marketcast(tmp_path, "forecast", *arguments)
    assert (ended.returncode, ended.stdout) == (exit_code, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"error: {message}")


@pytest.mark.tf
def test_a_refused_configuration_is_one_line_and_ends_with_4(tmp_path):
    (tmp_path / "mine.yaml").write_text("train:\n  stesp: 10\n")
    ended = run_marketcast(tmp_path, "run", "--config", "mine.yaml", "--json")
    assert ended.returncode == 4
    loading, error = ended.stderr.splitlines()
    assert loading.split() == ["loading", "failed"]
    assert (
        error
        == "error: train.stesp must be a known key, got it in mine.yaml, line 2; did you mean train.steps?"
    )
    report = json.loads(ended.stdout)
    assert (report["exit_code"], report["outcome"]) == (4, "failed")
    assert error == f"error: {report['error']}"
    assert not (tmp_path / "run").exists()
