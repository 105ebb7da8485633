"""`marketcast runs` and `runs watch` over kfp.Client."""

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

from pipeline.kubeflow.submission import connection
from tests.conftest import MARKETCAST, ROOT
from tests.pipeline.kubeflow.submission.conftest import Marketcast
from tests.pipeline.kubeflow.submission.kfp_server import (
    CREATED,
    FINISHED,
    HTML,
    Fault,
    KfpServer,
    run_update,
    task,
)

WAIT_SECONDS = 60.0


def _without_clock(screen: str) -> list[list[str]]:
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line).split() for line in screen.splitlines()]


def test_the_newest_runs_come_first(kfp: KfpServer, marketcast: Marketcast) -> None:
    kfp.store["experiments"].append({"experiment_id": "e1", "display_name": "marketcast"})
    kfp.add_run(
        run_id="old", display_name="first run", experiment_id="e1",
        created_at="2026-11-22T09:00:00Z", finished_at="2026-11-22T10:02:03Z", state="SUCCEEDED",
    )  # fmt: skip
    kfp.add_run(run_id="new", display_name="second run", experiment_id="e1", state=None)
    kfp.add_run(run_id="other", display_name="not ours", experiment_id="e2")
    heading, new, old = marketcast("runs").stdout.splitlines()
    assert heading.split() == ["ID", "STATE", "STARTED", "(UTC)", "DURATION", "NAME"]
    assert new.split()[:4] == ["new", "PENDING", "2026-11-23", "09:00"]
    assert new.endswith("second run")
    assert old.split() == ["old", "SUCCEEDED", "2026-11-22", "09:00", "1:02:03", "first", "run"]
    rows = json.loads(marketcast("runs", "--json", "--limit", 1).stdout)["runs"]
    assert [row["id"] for row in rows] == ["new"]
    assert rows[0]["url"] == f"{kfp.host}/#/runs/details/new"


def test_no_experiment_is_no_run(marketcast: Marketcast) -> None:
    assert marketcast("runs", "--experiment", "none").stdout == "no runs in experiment none\n"


def test_a_watch_tells_each_change_of_a_task_until_the_end(
    kfp: KfpServer, marketcast: Marketcast, package: pathlib.Path
) -> None:
    assert marketcast("submit", package).exit_code == 0
    run_id = kfp.store["runs"][0]["run_id"]
    done = task("BarsExampleGen", "SUCCEEDED", "2026-11-23T09:00:42Z")
    kfp.script_run(
        run_id,
        [
            {"state": "PENDING"},
            run_update("RUNNING", task("BarsExampleGen", "RUNNING")),
            run_update("RUNNING", task("BarsExampleGen", "RUNNING")),
            run_update("RUNNING", done, task("Trainer", "PENDING")),
            run_update("SUCCEEDED", done, task("Trainer", "SUCCEEDED", FINISHED), finished=FINISHED),
        ],
    )
    kfp.store["runs"][0]["created_at"] = CREATED
    result = marketcast("runs", "watch", run_id)
    assert result.exit_code == 0, result.output
    heading, *lines = _without_clock(result.stderr)
    assert heading[-1] == f"{kfp.host}/#/runs/details/{run_id}"
    assert lines == [
        ["BarsExampleGen", "RUNNING"],
        ["BarsExampleGen", "SUCCEEDED", "0:42"],
        ["Trainer", "PENDING"],
        ["Trainer", "SUCCEEDED", "1:30"],
        ["SUCCEEDED", "after", "1:30"],
    ]


def test_a_failed_run_names_the_task_and_ends_with_1(kfp: KfpServer, marketcast: Marketcast) -> None:
    run = kfp.add_run(run_id="r1", display_name="mine")
    failed = task("Trainer", "FAILED", FINISHED, "OOMKilled (exit code 137)")
    kfp.script_run(run["run_id"], [run_update("FAILED", failed, finished=FINISHED)])
    result = marketcast("runs", "watch", "r1", "--json")
    assert result.exit_code == 1
    *_, end, error = result.stderr.splitlines()
    assert "FAILED        1:30  OOMKilled (exit code 137)" in result.stderr
    assert end == "FAILED after 1:30"
    page = f"{kfp.host}/#/runs/details/r1"
    line = f"the run must end as SUCCEEDED, got FAILED at Trainer; its logs are at {page}"
    assert error == f"error: {line}"
    assert json.loads(result.stdout) == {"run_id": "r1", "state": "FAILED", "error": line}


@pytest.mark.parametrize("state", ["CANCELED", "SKIPPED"])
def test_only_success_is_success(kfp: KfpServer, marketcast: Marketcast, state: str) -> None:
    kfp.add_run(run_id="r1", display_name="mine", state=state)
    assert marketcast("runs", "watch", "r1").exit_code == 1


def test_a_watch_outlasts_a_kfp_that_is_away(
    kfp: KfpServer, marketcast: Marketcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WAITS_SECONDS", (0.01,))
    kfp.add_run(run_id="r1", display_name="mine")
    kfp.script_run("r1", [run_update("RUNNING"), run_update("SUCCEEDED")])
    # The first reading is answered; a fault counts from the second on.
    kfp.faults += [Fault("GET /runs/r1", 200, json.dumps({"run_id": "r1", "display_name": "mine"}))]
    kfp.faults += [Fault("GET /runs/r1", status, times=3) for status in (0, 503, 500)]
    kfp.faults += [Fault("GET /runs/r1", 504, HTML, content_type="text/html")]
    result = marketcast("runs", "watch", "r1")
    assert result.exit_code == 0, result.output
    assert "no answer, the run goes on and so does the watch" in result.stderr
    assert all(fault.times == 0 for fault in kfp.faults)


def test_a_run_that_is_not_there_is_told_in_kfps_words(kfp: KfpServer, marketcast: Marketcast) -> None:
    result = marketcast("runs", "watch", "r9")
    assert result.exit_code == 4
    assert result.stderr == (
        "error: KFP must accept the request to read the run r9, "
        "got 'ResourceNotFoundError: Run r9 not found.' (404); "
        "mend it; `marketcast runs` lists the runs there are\n"
    )
    assert len(kfp.sent("GET /runs/r9")) == 1


def test_an_interrupt_leaves_the_run_alone_and_ends_with_130(kfp: KfpServer) -> None:
    kfp.add_run(run_id="r1", display_name="mine")
    command = [*MARKETCAST, "runs", "--host", kfp.host, "watch", "r1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    watch = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + WAIT_SECONDS
    while not kfp.sent("GET /runs/r1") and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    watch.send_signal(signal.SIGINT)
    _, screen = watch.communicate(timeout=WAIT_SECONDS)
    assert watch.returncode == 130
    assert screen.splitlines()[-1] == (
        "interrupted; the run goes on: `marketcast runs watch r1` follows it again"
    )
    assert all(request.route.startswith("GET") for request in kfp.requests)


def test_the_commands_start_without_kfp() -> None:
    program = (
        "import sys; from pipeline.cli import main\n"
        "main(['runs', 'watch', '--help'], standalone_mode=False)\n"
        "sys.exit(', '.join({'kfp', 'kfp_server_api', 'urllib3', 'yaml'} & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
