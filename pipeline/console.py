"""What the user sees of a run: a line for each component, a bar while one reports its progress."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TextIO

import rich.console
import rich.progress
import rich.text

from components import progress

NAME_WIDTH = 18
PLAIN_PROGRESS_SECONDS = 15.0
"""Where there is no terminal, progress is a line now and then."""


class RunConsole:
    """Prints to one stream; lines only, no bars and no colours, unless it is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._console = rich.console.Console(
            file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True
        )
        self._progress: rich.progress.Progress | None = None
        self._task = rich.progress.TaskID(0)
        self._name = ""
        self._printed = 0.0

    def say(self, line: str) -> None:
        """Prints a line."""
        self._console.print(line)

    def started(self, name: str) -> None:
        """A component began."""
        self._name = name
        self._printed = time.monotonic()
        if self._console.is_terminal:
            self._progress = rich.progress.Progress(
                rich.progress.TextColumn(f"  {name:<{NAME_WIDTH}} {{task.description}}"),
                rich.progress.BarColumn(bar_width=24),
                rich.progress.MofNCompleteColumn(),
                rich.progress.TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._progress.add_task("", total=None)
            self._progress.start()

    def progressed(self, label: str, done: int, total: int) -> None:
        """The component did `done` of `total` units of the work called `label`."""
        if self._progress:
            self._progress.update(self._task, description=label, completed=done, total=total)
        elif time.monotonic() - self._printed >= PLAIN_PROGRESS_SECONDS:
            self._printed = time.monotonic()
            self.say(f"  {self._name:<{NAME_WIDTH}} {label} {done:,} of {total:,}")

    def finished(self, seconds: float, result: str) -> None:
        """The component ended well."""
        self._end(f"{seconds:6.1f} s", result, "")

    def stopped(self, how: str) -> None:
        """The component, if one was running, did not end well: it failed or was interrupted."""
        if self._name:
            self._end(f"{how:>8}", "", "red")

    def dismiss(self) -> None:
        """The component ended, and nothing is to be said of it."""
        if self._progress:
            self._progress.stop()
            self._progress = None
        self._name = ""

    def _end(self, time_text: str, result: str, style: str) -> None:
        line = f"  {self._name:<{NAME_WIDTH}} {time_text}  {result}".rstrip()
        self.dismiss()
        self._console.print(rich.text.Text(line, style=style))


@contextlib.contextmanager
def watch_progress(name: str, stream: TextIO) -> Iterator[None]:
    """Shows the progress of what is done in the `with`, as that of a component; nothing of what is quick."""
    console = RunConsole(stream)
    console.started(name)
    progress.set_listener(console.progressed)
    try:
        yield
    finally:
        progress.set_listener(None)
        console.dismiss()
