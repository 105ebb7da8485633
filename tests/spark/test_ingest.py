"""`marketcast ingest --engine spark` on a standalone Spark, two workers at work, of which some die."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.conftest import MARKETCAST, ROOT
from tests.fixtures.simulated_bars import simulate_garch_bars
from tests.spark.standalone import SPARK_HOME, Daemon, Spark, read_json, run_spark, wait_for

pytestmark = pytest.mark.spark

NUM_FILES = 8
NUM_SHARDS = 6
SETTLE_SECONDS = 0.3
"""What a stopped executor had said before is with the driver by then."""
READ_STAGE, WRITE_STAGE = 0, 1
FLAGS = ["chunks.eval_start=2004-01-01", "chunks.test_start=2006-01-01", f"chunks.num_shards={NUM_SHARDS}"]


@pytest.fixture(name="bars", scope="module")
def fixture_bars(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Files in each of which every ticker has some rows, so that every task sends rows to every shard.

    One ticker is too short, and each file holds a bar that is quarantined.
    """
    folder = tmp_path_factory.mktemp("bars")
    table = simulate_garch_bars(60, 2000, seed=9)
    table = table[(table["ticker"] != "S007") | (table["date"] < "2000-06-01")]
    table.iloc[500 : 500 + NUM_FILES, table.columns.get_loc("close")] *= 2.0
    for index in range(NUM_FILES):
        table.iloc[index::NUM_FILES].to_parquet(folder / f"{index}.parquet")
    return folder


def _arguments(bars: pathlib.Path, chunks: pathlib.Path, *more: str) -> list[str]:
    """The bars by a path that holds in the driver's folder alone."""
    flags = [f"source.path={os.path.relpath(bars, ROOT)}", "source.metadata_path=''", *FLAGS]
    return ["ingest", "--chunks", str(chunks), "--json", *(f"--set={flag}" for flag in flags), *more]


def _digests(folder: pathlib.Path) -> Mapping[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(name="local", scope="module")
def fixture_local(bars: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the local engine writes."""
    folder = tmp_path_factory.mktemp("local")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*MARKETCAST, *_arguments(bars, folder / "chunks")], cwd=ROOT, env=environment, check=True)
    return _digests(folder / "chunks")


@pytest.fixture(name="spark", scope="module")
def fixture_spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """One for all tests; two of them kill a worker each."""
    with run_spark(tmp_path_factory.mktemp("spark"), num_workers=4) as spark:
        yield spark


class SparkProgram:
    """A command that is the driver of a Spark, its page open and its events kept."""

    def __init__(self, folder: pathlib.Path, command: list[str]) -> None:
        self.events = folder / "events"
        self.events.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.page = f"http://127.0.0.1:{port}/api/v1/applications"
        settings = {
            "spark.cores.max": 2,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": "512m",
            "spark.executor.memory": "512m",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": self.events.as_uri(),
            # No task before both executors are there.
            "spark.scheduler.minRegisteredResourcesRatio": 1.0,
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
            "spark.ui.port": port,
            "spark.ui.liveUpdate.period": 0,
        }
        configuration = folder / "conf"
        configuration.mkdir()
        lines = [f"{key} {value}\n" for key, value in settings.items()]
        (configuration / "spark-defaults.conf").write_text("".join(lines))
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_CONF_DIR": str(configuration),
        }
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def finish(self) -> dict[str, Any]:
        """The JSON at the end of the command, which must end well; spark-submit puts all else before it."""
        out, errors = self._process.communicate(timeout=240)
        assert self._process.returncode == 0, errors + out
        return dict(json.loads(out.splitlines()[-1]))

    def end(self) -> None:
        """Ends the command if it runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def find_executor(self, stage: int) -> tuple[str, str] | None:
        """The program's name with Spark and an executor of it that is at a task of the stage now."""
        application = read_json(self.page)[0]["id"]
        tasks = read_json(f"{self.page}/{application}/stages/{stage}/0/taskList?status=running")
        return (application, tasks[0]["executorId"]) if tasks else None

    def ended_tasks(self) -> list[tuple[int, str, str]]:
        """Stage, executor and reason of the end, of each task."""
        (log,) = self.events.iterdir()
        events = [json.loads(line) for line in log.read_text().splitlines()]
        return [
            (event["Stage ID"], event["Task Info"]["Executor ID"], event["Task End Reason"]["Reason"])
            for event in events
            if event["Event"] == "SparkListenerTaskEnd"
        ]


@contextlib.contextmanager
def _started(folder: pathlib.Path, command: list[str]) -> Iterator[SparkProgram]:
    program = SparkProgram(folder, command)
    try:
        yield program
    finally:
        program.end()


def test_by_spark_submit_two_workers_write_the_bytes_of_the_local_engine(
    spark: Spark, bars: pathlib.Path, local: Mapping[str, str], tmp_path: pathlib.Path
) -> None:
    submit = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", spark.url, str(ROOT / "pipeline/cli.py")]
    arguments = _arguments(bars, tmp_path / "chunks", "--engine", "spark")
    with _started(tmp_path, [*submit, *arguments]) as program:
        result = program.finish()
    assert result["report"]["quarantined_checks"] == {"outside_range": NUM_FILES, "short_history": 108}
    assert _digests(tmp_path / "chunks") == local
    ended = program.ended_tasks()
    assert {reason for _, _, reason in ended} == {"Success"}
    by_stage = {stage: sorted(e for s, e, _ in ended if s == stage) for stage in {s for s, _, _ in ended}}
    assert sorted(map(len, by_stage.values())) == [NUM_SHARDS, NUM_FILES]
    assert all(set(executors) == {"0", "1"} for executors in by_stage.values())


@pytest.mark.parametrize("stage", [READ_STAGE, WRITE_STAGE])
def test_a_worker_killed_at_work_changes_nothing(
    spark: Spark, bars: pathlib.Path, local: Mapping[str, str], tmp_path: pathlib.Path, stage: int
) -> None:
    arguments = _arguments(bars, tmp_path / "chunks", "--engine", "spark", "--spark-master", spark.url)
    with _started(tmp_path, [*MARKETCAST, *arguments]) as program:
        killed = wait_for(lambda: _kill_worker(program, spark, stage), "a task of the stage")
        program.finish()
    assert _digests(tmp_path / "chunks") == local
    ended = program.ended_tasks()
    assert (stage, killed, "ExecutorLostFailure") in ended
    assert sum(reason == "Success" for _, _, reason in ended) > NUM_FILES + NUM_SHARDS - 1


def _kill_worker(program: SparkProgram, spark: Spark, stage: int) -> str | None:
    """Kills the worker of a task of the stage, and returns its executor; None where none could be caught.

    It is stopped first: a task that still runs then cannot end before the kill.
    """
    found = program.find_executor(stage)
    if found is None:
        return None
    worker: Daemon = spark.worker_of(*found)
    worker.send(signal.SIGSTOP)
    time.sleep(SETTLE_SECONDS)
    if program.find_executor(stage) != found:
        worker.send(signal.SIGCONT)
        return None
    worker.send(signal.SIGKILL)
    return found[1]
