"""Sends all that libraries print to a log file, whatever level they print at."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from typing import IO, TextIO

LOG_FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"


class QuietOutput:
    """The process's output while it is diverted.

    Attributes:
      stdout: the real standard output, for what the user is to see.
      stderr: the real standard error.
    """

    def __init__(self, stdout: TextIO, stderr: TextIO) -> None:
        self.stdout = stdout
        self.stderr = stderr
        # Both logs are closed at the end of divert_output.
        self._log: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", buffering=1)  # noqa: SIM115
        self._handler = logging.StreamHandler(self._log)
        self._handler.setFormatter(logging.Formatter(LOG_FORMAT))

    def write_to(self, path: str) -> None:
        """Writes the log to a file: what came until now, and all that is to come."""
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        log = open(path, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        self._flush()
        self._log.seek(0)
        log.write(self._log.read())
        self._handler.setStream(log)
        before, self._log = self._log, log
        self._divert()
        before.close()

    @contextlib.contextmanager
    def _diverted(self) -> Iterator[None]:
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.INFO)
        root.addHandler(self._handler)
        self._divert()
        try:
            yield
        finally:
            root.removeHandler(self._handler)
            root.setLevel(level)
            self._flush()
            os.dup2(self.stdout.fileno(), 1)
            os.dup2(self.stderr.fileno(), 2)
            self._log.close()

    def _divert(self) -> None:
        self._flush()
        os.dup2(self._log.fileno(), 1)
        os.dup2(self._log.fileno(), 2)

    def _flush(self) -> None:
        for stream in (sys.stdout, sys.stderr, self.stdout, self.stderr):
            stream.flush()


@contextlib.contextmanager
def divert_output() -> Iterator[QuietOutput]:
    """Points the process's standard output and error (file descriptors 1 and 2) at a log.

    TensorFlow and its libraries print from C++, past sys.stderr; child processes inherit the descriptors.
    Python's logging goes to the same log.
    """
    with (
        os.fdopen(os.dup(1), "w", encoding="utf-8") as stdout,
        os.fdopen(os.dup(2), "w", encoding="utf-8") as stderr,
    ):
        output = QuietOutput(stdout, stderr)
        with output._diverted():
            yield output
