"""What KFP says of runs and their tasks, as lines and as JSON; takes the objects of kfp's client."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from pipeline.kubeflow.submission.answers import shorten

SUCCEEDED = "SUCCEEDED"
FINAL_STATES = (SUCCEEDED, "SKIPPED", "FAILED", "CANCELED", "ERROR")
NOT_YET = "PENDING"
_INTERNAL = ("root", "executor")
_DRIVER = "-driver"
_COLUMNS = "{:<36}  {:<9}  {:<16}  {:>9}  {}"


@dataclasses.dataclass(frozen=True)
class RunRow:
    """One run of a list.

    Attributes:
      id: KFP's.
      name: shown in KFP's pages.
      state: KFP's word.
      started: when it was made.
      seconds: it took, or takes until now.
      url: of its page.
    """

    id: str
    name: str
    state: str
    started: datetime.datetime | None
    seconds: float
    url: str

    def to_json(self) -> dict[str, Any]:
        """The row for JSON."""
        started = self.started.isoformat() if self.started else None
        return {**dataclasses.asdict(self), "started": started, "seconds": round(self.seconds)}


@dataclasses.dataclass(frozen=True)
class Task:
    """A task of a run.

    Attributes:
      name: in the package.
      state: KFP's word.
      seconds: from its start to its end, 0 while it runs.
      message: why it failed, as far as KFP says it.
    """

    name: str
    state: str
    seconds: float
    message: str


def read_run(run: Any, url: str, now: datetime.datetime) -> RunRow:
    """A run as KFP gives it -> a row."""
    return RunRow(
        run.run_id, run.display_name or "", read_state(run), run.created_at, measure_run(run, now), url
    )


def read_state(thing: Any) -> str:
    """The state of a run or a task; none is NOT_YET."""
    return str(thing.state or NOT_YET).upper()


def measure_run(run: Any, now: datetime.datetime) -> float:
    """Seconds that a run took, or takes until now."""
    if not run.created_at:
        return 0.0
    end = run.finished_at if read_state(run) in FINAL_STATES else None
    # KFP says 1970 of what has not ended.
    if end is None or end < run.created_at:
        end = now
    return max(0.0, (end - run.created_at).total_seconds())


def format_table(rows: Sequence[RunRow]) -> list[str]:
    """Lines of a table, with a heading."""
    lines = [_COLUMNS.format("ID", "STATE", "STARTED (UTC)", "DURATION", "NAME")]
    for row in rows:
        started = f"{row.started:%Y-%m-%d %H:%M}" if row.started else ""
        lines.append(_COLUMNS.format(row.id, row.state, started, format_seconds(row.seconds), row.name))
    return lines


def format_seconds(seconds: float) -> str:
    """90.4 -> 1:30."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def list_tasks(run: Any, known: Collection[str]) -> list[Task]:
    """The tasks of a run, in the order of their start.

    KFP lists the pods of a task (`NAME-driver`, `executor`) and the pipeline itself (`root`) beside the task.

    Args:
      run: with its details.
      known: tasks of the package; empty where it is not known.
    """
    details = (run.run_details.task_details if run.run_details else None) or []
    wanted = [detail for detail in details if _is_task(detail.display_name or "", known)]
    wanted.sort(key=lambda detail: (detail.start_time is None, str(detail.start_time), detail.display_name))
    return [_read_task(detail, details) for detail in wanted]


def list_task_names(spec: Any) -> list[str]:
    """Tasks in a version's spec, which KFP wraps once more where there is a platform document."""
    spec = spec if isinstance(spec, dict) else {}
    root = (spec.get("pipeline_spec") or spec).get("root") or {}
    return sorted((root.get("dag") or {}).get("tasks") or {})


def _is_task(name: str, known: Collection[str]) -> bool:
    if known:
        return name in known
    return bool(name) and name not in _INTERNAL and not name.endswith(_DRIVER)


def _read_task(detail: Any, details: Iterable[Any]) -> Task:
    seconds = 0.0
    if detail.start_time and detail.end_time and detail.end_time > detail.start_time:
        seconds = (detail.end_time - detail.start_time).total_seconds()
    return Task(detail.display_name, read_state(detail), seconds, _find_message(detail, details))


def _find_message(detail: Any, details: Iterable[Any]) -> str:
    """Why a task failed; it stands at the task or at one of its pods."""
    children = {child.task_id or child.pod_name for child in detail.child_tasks or []}
    for other in (detail, *details):
        is_own = other is detail or bool({other.task_id, other.pod_name} & children - {None})
        if is_own and other.error and other.error.message:
            return shorten(other.error.message)
    return ""
