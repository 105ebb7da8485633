"""Fixtures that more than one folder uses."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.fixtures.postgres_server import PostgresServer

ROOT = pathlib.Path(__file__).parent.parent
MARKETCAST = [sys.executable, "-m", "pipeline.cli"]
"""The command, of this checkout."""


@dataclasses.dataclass(frozen=True)
class PipelineRun:
    """One `marketcast run --json` on the shipped data.

    Attributes:
      folder: the working directory it ran in; config.paths are relative to it.
      exit_code: of the command.
      report: the JSON object that it printed on standard output.
      screen: what it printed on standard error, for people.
    """

    folder: pathlib.Path
    exit_code: int
    report: dict[str, Any]
    screen: str


def run_marketcast(folder: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder, with the data beside it as in a checkout."""
    data = folder / "data"
    if not data.exists():
        data.symlink_to(ROOT / "data")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*MARKETCAST, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Programs that tests start can be interrupted, even where the shell had the tests ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL, started once a session."""
    from tests.fixtures.postgres_server import start_postgres

    with start_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def pipeline_run(tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    """The real pipeline, run once a session through the command."""
    folder = tmp_path_factory.mktemp("pipeline_run")
    ended = run_marketcast(folder, "run", "--json")
    return PipelineRun(folder, ended.returncode, json.loads(ended.stdout), ended.stderr)
