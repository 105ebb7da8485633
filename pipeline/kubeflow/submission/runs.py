"""Lists runs, and follows one to its end."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Collection
from typing import Any

from components.errors import MarketcastError
from pipeline.kubeflow.submission import run_report
from pipeline.kubeflow.submission.answers import shorten
from pipeline.kubeflow.submission.connection import Connection
from pipeline.kubeflow.submission.errors import (
    MissingError,
    RunFailedError,
    ServerFaultError,
    UnreachableError,
)
from pipeline.kubeflow.submission.experiment import find_experiment
from pipeline.kubeflow.submission.run_report import RunRow
from pipeline.kubeflow.submission.submit import link_to_run

POLL_SECONDS = 5.0
PATIENCE_SECONDS = 1800.0
"""How long a watch goes on without an answer of KFP."""


def list_runs(connection: Connection, experiment: str, limit: int) -> list[RunRow]:
    """The newest runs of an experiment, newest first.

    Args:
      connection: to KFP.
      experiment: its name; one that is not there has no runs.
      limit: at most so many.
    Raises:
      MarketcastError: KFP refuses, or cannot be used.
    """
    found = find_experiment(connection, experiment)
    if found is None:
        return []
    answer = connection.call(
        "list runs",
        connection.client.runs.run_service_list_runs,
        experiment_id=found.experiment_id,
        sort_by="created_at desc",
        page_size=limit,
    )
    now = datetime.datetime.now(datetime.UTC)
    return [
        run_report.read_run(run, link_to_run(connection.host, run.run_id), now) for run in answer.runs or []
    ]


def watch_run(connection: Connection, run_id: str, say: Callable[[str], None]) -> RunRow:
    """Follows a run to its end; says each change of a task's state.

    Args:
      connection: to KFP.
      run_id: KFP's.
      say: prints a line.
    Raises:
      RunFailedError: the run ended, and not well.
      MarketcastError: there is no such run, or KFP cannot be used for PATIENCE_SECONDS.
    """
    run = _read_run(connection, run_id)
    url = link_to_run(connection.host, run_id)
    say(f"{run.display_name}  {url}")
    known = _find_task_names(connection, run)
    seen: dict[str, str] = {}
    while True:
        _say_changes(run, known, seen, say)
        if run_report.read_state(run) in run_report.FINAL_STATES:
            break
        time.sleep(POLL_SECONDS)
        run = _read_patiently(connection, run_id, say)
    row = run_report.read_run(run, url, datetime.datetime.now(datetime.UTC))
    say(f"{row.state} after {run_report.format_seconds(row.seconds)}")
    if row.state != run_report.SUCCEEDED:
        raise RunFailedError(_describe_end(run, row, known), row.state)
    return row


def _read_run(connection: Connection, run_id: str) -> Any:
    try:
        return connection.call(f"read the run {run_id}", connection.client.runs.run_service_get_run, run_id)
    except MissingError as error:
        raise MissingError(f"{error}; `marketcast runs` lists the runs there are") from error


def _read_patiently(connection: Connection, run_id: str, say: Callable[[str], None]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _read_run(connection, run_id)
        except (UnreachableError, ServerFaultError) as error:
            if time.monotonic() > deadline:
                raise
            say(f"{_clock()}  no answer, the run goes on and so does the watch: {error}")
            time.sleep(POLL_SECONDS)


def _find_task_names(connection: Connection, run: Any) -> list[str]:
    """The tasks of the run's package; none where KFP does not say."""
    if run.pipeline_spec:
        return run_report.list_task_names(run.pipeline_spec)
    reference = run.pipeline_version_reference
    if not reference or not reference.pipeline_id or not reference.pipeline_version_id:
        return []
    try:
        version = connection.call(
            "read the run's version",
            connection.client.pipelines.pipeline_service_get_pipeline_version,
            reference.pipeline_id,
            reference.pipeline_version_id,
        )
    except MarketcastError:
        # The version may be deleted, or not the caller's to read; the tasks are then told by their names.
        return []
    return run_report.list_task_names(version.pipeline_spec)


def _say_changes(run: Any, known: Collection[str], seen: dict[str, str], say: Callable[[str], None]) -> None:
    """Says each task whose state is not the one in `seen`, and notes it there."""
    for task in run_report.list_tasks(run, known):
        if seen.get(task.name) == task.state:
            continue
        seen[task.name] = task.state
        took = run_report.format_seconds(task.seconds) if task.seconds else ""
        message = f"  {task.message}" if task.message and task.state != run_report.SUCCEEDED else ""
        say(f"{_clock()}  {task.name:<18} {task.state:<9} {took:>8}{message}".rstrip())


def _describe_end(run: Any, row: RunRow, known: Collection[str]) -> str:
    bad = [task for task in run_report.list_tasks(run, known) if task.state in ("FAILED", "ERROR")]
    first = f" at {bad[0].name}" if bad else ""
    reason = run.error.message if run.error and run.error.message else ""
    said = f" ('{shorten(reason)}')" if reason else ""
    return f"the run must end as SUCCEEDED, got {row.state}{first}{said}; its logs are at {row.url}"


def _clock() -> str:
    return f"{datetime.datetime.now():%H:%M:%S}"
