"""Where the servers' configuration is kept: a file, or a ConfigMap of a cluster; each with its audit."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from components.errors import ConfigError, MarketcastError

CONFIG_KEY = "models.config"
"""Key of the ConfigMap, and the file's usual name."""
AUDIT_KEY = "rollout.log.jsonl"
"""Key of the ConfigMap, and the file beside the configuration."""
LOCK_SUFFIX = ".lock"
MAX_AUDIT_LINES = 500
"""Of a ConfigMap, which holds 1 MiB at most; a file keeps all."""

AuditLine = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Content:
    """What a store holds.

    Attributes:
      text: the configuration.
      audit: its changes, oldest first.
      revision: of what was read; empty for a file.
    """

    text: str
    audit: tuple[AuditLine, ...]
    revision: str = ""


class ConfigStore(Protocol):
    """Keeps a configuration and the audit of its changes."""

    @property
    def origin(self) -> str:
        """Where it is, for people."""

    def hold(self) -> contextlib.AbstractContextManager[None]:
        """Keeps other rollouts out, as far as the store can."""

    def read(self) -> Content:
        """What is there now."""

    def write(self, content: Content, text: str, line: AuditLine) -> None:
        """Replaces the configuration that was read, and adds a line to its audit."""


class FileStore:
    """A file that TensorFlow Serving polls, and its audit beside it."""

    def __init__(self, path: str) -> None:
        self._path = pathlib.Path(path)
        self._audit = self._path.with_name(AUDIT_KEY)

    @property
    def origin(self) -> str:
        """The file's path."""
        return str(self._path)

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Holds the lock beside the file; the system lets it go when this process dies.

        Raises:
          ConfigError: there is no such file, or its folder cannot be written to.
          MarketcastError: another rollout holds it.
        """
        if not self._path.is_file():
            raise ConfigError(
                f"--config-file must name the servers' {CONFIG_KEY}, got {self._path}; check the path"
            )
        if not os.access(self._path.parent, os.W_OK):
            raise ConfigError(
                f"the folder of {self._path} must be one that this user can write to, got one that is not; "
                "change its rights"
            )
        with open(f"{self._path}{LOCK_SUFFIX}", "a+", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                stream.seek(0)
                raise MarketcastError(
                    f"{self._path} must be free, got it held by the rollout of process "
                    f"{stream.read().strip() or 'unknown'}; wait for its end"
                ) from error
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            yield

    def read(self) -> Content:
        """What is there now.

        Raises:
          ConfigError: the file cannot be read, or the audit is damaged.
        """
        try:
            text = self._path.read_text(encoding="utf-8")
            lines = self._audit.read_text(encoding="utf-8").splitlines() if self._audit.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._path} must be a file to read, got {error}; check the path") from error
        return Content(text, parse_audit(lines, str(self._audit)))

    def write(self, content: Content, text: str, line: AuditLine) -> None:
        """Adds the line, then puts the new file in the place of the old one in one step.

        In this order no change is without its line; a line without its change is left by a rollout that
        was killed, and harms nothing: the rollout is run again.

        Raises:
          MarketcastError: somebody has edited the file since it was read.
        """
        if self._path.read_text(encoding="utf-8") != content.text:
            raise MarketcastError(
                f"{self._path} must not change during a rollout, got an edit by somebody else; look at it "
                "with `marketcast rollout status`, and run this again"
            )
        with open(self._audit, "a", encoding="utf-8") as stream:
            stream.write(format_line(line))
            stream.flush()
            os.fsync(stream.fileno())
        staged = self._path.with_name(f".{self._path.name}.new")
        with open(staged, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(staged, self._path.stat().st_mode)
        os.replace(staged, self._path)


def parse_audit(lines: Sequence[str], origin: str) -> tuple[AuditLine, ...]:
    """The lines of an audit.

    Raises:
      ConfigError: one is no JSON object.
    """
    found = []
    for number, text in enumerate(lines, 1):
        try:
            line = json.loads(text)
        except ValueError as error:
            raise ConfigError(
                f"{origin} must hold a JSON object a line, got {text[:40]!r} in line {number}; take it out"
            ) from error
        found.append(line)
    return tuple(found)


def format_line(line: AuditLine) -> str:
    """A line of an audit."""
    return f"{json.dumps(line, sort_keys=True)}\n"
