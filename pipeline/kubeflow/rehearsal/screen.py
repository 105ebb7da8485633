"""What the user sees of a rehearsal."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence

from pipeline.console import NAME_WIDTH, RunConsole
from pipeline.kubeflow.rehearsal.rehearsal import FAILED, SUCCEEDED, TaskResult

LAST_LINES = 20


class RehearsalScreen:
    """A line for each task, the last lines of one that failed, a table at the end."""

    def __init__(self, console: RunConsole, folder: pathlib.Path) -> None:
        """Prepares the screen of a rehearsal in `folder`."""
        self._console = console
        self._folder = folder
        self._start = time.monotonic()

    def started(self, name: str) -> None:
        """A task began."""
        self._console.started(name)

    def finished(self, result: TaskResult) -> None:
        """A task ended, or needed not to run."""
        if result.resumed:
            self._console.started(result.name)
        if result.state == FAILED:
            self._console.stopped("failed")
            self._show_last_lines(result)
        else:
            words = ["done before"] * result.resumed + ["skipped"] * (result.state != SUCCEEDED)
            self._console.finished(result.seconds, ", ".join(filter(None, [*words, result.note])))

    def interrupted(self) -> None:
        """The user stopped it."""
        self._console.stopped("stopped")
        self._console.say("interrupted; the same command with --resume goes on from here")

    def conclude(self, results: Sequence[TaskResult]) -> None:
        """The summary table."""
        self._console.say(f"\n  {'task':<{NAME_WIDTH}} {'state':<10} {'seconds':>8}  log")
        for result in results:
            log = log_of(self._folder, result.name)
            state = f"{result.state.lower():<10} {result.seconds:8.1f}"
            line = f"  {result.name:<{NAME_WIDTH}} {state}  {log if log.exists() else ''}"
            self._console.say(line.rstrip())
        seconds = time.monotonic() - self._start
        self._console.say(f"\n{len(results)} tasks in {seconds:.0f} s; artifacts in {self._folder / 'store'}")
        if failed := [result.name for result in results if result.state == FAILED]:
            self._console.say(
                f"failed: {', '.join(failed)}; mend it, and the same command with --resume goes on there"
            )

    def _show_last_lines(self, result: TaskResult) -> None:
        log = log_of(self._folder, result.name)
        if log.exists():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
            for line in lines:
                self._console.say(f"    {line}")
        self._console.say(f"error: {result.note}")


def log_of(folder: pathlib.Path, task: str) -> pathlib.Path:
    """File of all that a task said."""
    return folder / "logs" / f"{task}.log"
