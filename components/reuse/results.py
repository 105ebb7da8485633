"""Results of earlier runs, kept by what they were made of: the same content is not worked through again.

TFX's own cache asks whether an input is the same artifact; an ingest of one more day makes a new one, of
which most is as before. Here a result lies under a key of its inputs' content, see keys.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from components.reuse.keys import list_files

NUM_KEPT = 4
"""Results of a step that are kept, those last used."""
_ENTRY = "entry.json"
_FILES = "files"
_BLOCK_BYTES = 1 << 20
_ABANDONED_SECONDS = 86_400
"""Nobody works that long on a copy: its process was killed."""
_LOG = logging.getLogger(__name__)

Folders = Mapping[str, str]
"""Name of a part of a result -> its folder."""


class KeptResults:
    """A folder of results: {step}/{key}/ with the files and ENTRY, which lists their SHA-256."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def fetch(self, step: str, key: str, targets: Folders) -> dict[str, Any] | None:
        """Copies a result to where it is wanted.

        Args:
          step: that made it.
          key: of what it was made of.
          targets: where each part goes; what is there is replaced.
        Returns:
          The notes it was kept with; None where there is none, or not whole any more, or no copy can be
          made, and then nothing is copied.
        """
        place = os.path.join(self._folder, step, key)
        entry = _read_entry(place)
        if entry is None:
            self.drop(step, key)
            return None
        if set(entry["parts"]) != set(targets):
            return None
        scratch = {name: f"{target.rstrip('/')}.{uuid.uuid4().hex}" for name, target in targets.items()}
        try:
            for name, files in entry["parts"].items():
                _copy_checked(os.path.join(place, _FILES, name), scratch[name], files)
        except (OSError, _ChangedError) as error:
            for folder in scratch.values():
                shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, (_ChangedError, FileNotFoundError)):
                self.drop(step, key)
            _LOG.warning("what an earlier %s made is not taken over: %s", step, error)
            return None
        for name, folder in scratch.items():
            shutil.rmtree(targets[name], ignore_errors=True)
            os.replace(folder, targets[name])
        with contextlib.suppress(OSError):  # It may have been taken away since, or be another's.
            os.utime(place)
        notes: dict[str, Any] = entry["notes"]
        return notes

    def keep(self, step: str, key: str, parts: Folders, notes: Mapping[str, Any]) -> None:
        """Keeps a copy of a result; it appears whole or not at all, and the oldest go.

        Where it cannot be kept the log says why: the result itself is good.

        Args:
          step: that made it.
          key: of what it was made of.
          parts: its folders; one that is not there counts as empty.
          notes: plain values for JSON.
        """
        folder = os.path.join(self._folder, step)
        unfinished = os.path.join(folder, f".{uuid.uuid4().hex}")
        try:
            _write_result(unfinished, parts, notes)
            with contextlib.suppress(OSError):  # Another run has kept the same.
                os.rename(unfinished, os.path.join(folder, key))
            _drop_oldest(folder)
        except OSError as error:
            _LOG.warning("what %s made is not kept for later runs: %s", step, error)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def drop(self, step: str, key: str) -> None:
        """Takes a result away, if it is there."""
        shutil.rmtree(os.path.join(self._folder, step, key), ignore_errors=True)


class _ChangedError(Exception):
    """A kept file is not what it was."""


def _write_result(folder: str, parts: Folders, notes: Mapping[str, Any]) -> None:
    os.makedirs(folder)
    listed = {
        name: _copy_listing(source, os.path.join(folder, _FILES, name)) for name, source in parts.items()
    }
    with open(os.path.join(folder, _ENTRY), "w", encoding="utf-8") as stream:
        json.dump({"notes": dict(notes), "parts": listed}, stream)


def _read_entry(place: str) -> dict[str, Any] | None:
    try:
        with open(os.path.join(place, _ENTRY), encoding="utf-8") as stream:
            entry = json.load(stream)
        return {"notes": dict(entry["notes"]), "parts": {k: dict(v) for k, v in entry["parts"].items()}}
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return None


def _copy_checked(source: str, target: str, files: Mapping[str, str]) -> None:
    os.makedirs(target)
    for path, expected in files.items():
        if _copy_file(os.path.join(source, path), os.path.join(target, path)) != expected:
            raise _ChangedError(path)


def _copy_listing(source: str, target: str) -> dict[str, str]:
    os.makedirs(target)
    return {
        path: _copy_file(os.path.join(source, path), os.path.join(target, path))
        for path in list_files(source)
    }


def _copy_file(source: str, target: str) -> str:
    """Copies a file and returns the SHA-256 (hex) of what was copied."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    digest = hashlib.sha256()
    with open(source, "rb") as read, open(target, "wb") as write:
        for block in _read_blocks(read):
            digest.update(block)
            write.write(block)
    return digest.hexdigest()


def _read_blocks(stream: Any) -> Iterator[bytes]:
    while block := stream.read(_BLOCK_BYTES):
        yield block


def _drop_oldest(folder: str) -> None:
    with os.scandir(folder) as scanned:
        entries = list(scanned)
    with contextlib.suppress(OSError):  # Another run drops the same.
        entries.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        whole = [entry for entry in entries if not entry.name.startswith(".")]
        begun = [entry for entry in entries if entry.name.startswith(".")]
        abandoned = [e for e in begun if e.stat().st_mtime < time.time() - _ABANDONED_SECONDS]
        for entry in (*whole[NUM_KEPT:], *abandoned):
            shutil.rmtree(entry.path)
