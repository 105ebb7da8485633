"""Publishes a model as a numbered version that appears whole or not at all; standard library only.

A push works in a hidden folder beside the versions and renames it when every byte is on the disk. TensorFlow
Serving and the embedded server read whole numbers only, so neither sees that folder. One push at a time holds
a lock on the destination, which the kernel frees when its process dies: a hidden folder found under the lock
was left by a push that was killed, and is removed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from typing import Any

from components import contract
from components.backtest.card_markdown import render_card
from components.backtest.model_card import ModelCard, make_card
from components.push.manifest import (
    MANIFEST_PATH,
    PublishError,
    hash_files,
    verify_manifest,
    write_json,
    write_manifest,
)

__all__ = [
    "PublishError",
    "Published",
    "as_version",
    "find_newest_version",
    "list_versions",
    "next_version",
    "publish",
    "verify_manifest",
]

STAGING_PREFIX = ".pushing-"
LOCK_FILE = ".push.lock"
LOCK_TIMEOUT_SECONDS = 300.0
LOCK_POLL_SECONDS = 0.05
PUSH_KEY = contract.RECORD_PUSH
"""Key of the record that says when, and as which version, the model was pushed."""

SAVED_MODEL_FILE = "saved_model.pb"
RECORD_PATH = f"{contract.ASSETS_EXTRA}/{contract.RECORD_FILE}"
CARD_PATH = f"{contract.ASSETS_EXTRA}/{contract.MODEL_CARD_FILE}"
CARD_DATA_PATH = f"{contract.ASSETS_EXTRA}/{contract.MODEL_CARD_DATA_FILE}"
_MADE_BY_PUSH = (RECORD_PATH, CARD_PATH, CARD_DATA_PATH, MANIFEST_PATH)
"""What differs from push to push of one model."""
_NUMBER = re.compile(r"[0-9]{1,18}")
"""Names that a server may take for a version: whole numbers that 64 bits hold."""


@dataclasses.dataclass(frozen=True)
class Published:
    """A model in its place.

    Attributes:
      version: seconds since 1970, or more where that number was taken.
      path: folder of the version.
      is_new: this push made it; False where the newest version already was this model.
    """

    version: int
    path: str
    is_new: bool


def publish(
    model_dir: str,
    base: str,
    additions: Mapping[str, Any],
    lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
) -> Published:
    """Publishes a copy of a model under `base`, with its record completed, its model card and its manifest.

    A push that is repeated, such as after a kill between the rename and the note in the metadata store, adds
    no second version: the newest one is kept if it is whole and its files, those made by the push aside, are
    the model's.

    Args:
      model_dir: folder of a SavedModel whose assets.extra holds the record.
      base: local folder of the versions; made if missing.
      additions: keys to add to the record, JSON types without NaN.
      lock_timeout_seconds: how long to wait for another push to the same folder.
    Raises:
      PublishError: the model lacks its graph or its record, or holds something that is neither file nor
        folder, `base` is no local folder or may not be written to, or another push does not end.
    """
    _check_destination(base)
    files = _hash_model(model_dir)
    with _hold_lock(base, lock_timeout_seconds):
        _remove_leftovers(base)
        newest = max(list_versions(base), default=None)
        if newest is not None and _holds(os.path.join(base, str(newest)), files):
            return Published(newest, os.path.join(base, str(newest)), is_new=False)
        version = next_version(base, int(time.time()))
        staging, target = os.path.join(base, f"{STAGING_PREFIX}{version}"), os.path.join(base, str(version))
        try:
            _stage(model_dir, staging, {**additions, PUSH_KEY: _describe_push(version)})
            os.rename(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        _sync(base)
        return Published(version, target, is_new=True)


def list_versions(base: str) -> list[int]:
    """Versions under `base`, oldest first, whole or not; none where `base` is missing."""
    try:
        with os.scandir(base) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    return sorted(version for name in names if (version := as_version(name)) is not None)


def as_version(name: str) -> int | None:
    """The version that a folder of this name holds; None where it is no version's."""
    return int(name) if _NUMBER.fullmatch(name) and name == str(int(name)) else None


def find_newest_version(base: str) -> int | None:
    """The newest version under `base` that is what its manifest says; None where there is none."""
    whole = (v for v in reversed(list_versions(base)) if not verify_manifest(os.path.join(base, str(v))))
    return next(whole, None)


def next_version(base: str, now: int) -> int:
    """The number of the next version: `now`, but above every number that is a name under `base`."""
    taken = [int(name) for name in os.listdir(base) if _NUMBER.fullmatch(name)]
    return max(now, *(number + 1 for number in taken)) if taken else now


def _hash_model(model_dir: str) -> dict[str, str]:
    files = hash_files(model_dir)
    for path in (SAVED_MODEL_FILE, RECORD_PATH):
        if path not in files:
            raise PublishError(
                f"{model_dir} must hold {path}, got {len(files)} other files; export it with the Trainer"
            )
    return files


def _holds(version_dir: str, files: Mapping[str, str]) -> bool:
    """Whether a version is whole and holds the model of `files`, path -> sha256, whatever its record says."""
    model = {path: digest for path, digest in files.items() if path not in _MADE_BY_PUSH}
    return not verify_manifest(version_dir) and model == {
        path: digest for path, digest in hash_files(version_dir).items() if path not in _MADE_BY_PUSH
    }


def _stage(model_dir: str, staging: str, additions: Mapping[str, Any]) -> None:
    """Copies the model to `staging`, completes it, and waits until the disk has it."""
    shutil.copytree(model_dir, staging, symlinks=True, copy_function=shutil.copyfile)
    record = _read_record(model_dir) | dict(additions)
    write_json(os.path.join(staging, RECORD_PATH), record)
    _write_card(staging, make_card(record))
    write_manifest(staging)
    for folder, _, names in os.walk(staging, topdown=False):
        for name in names:
            _sync(os.path.join(folder, name))
        _sync(folder)


def _write_card(staging: str, card: ModelCard) -> None:
    write_json(os.path.join(staging, CARD_DATA_PATH), card.to_json())
    with open(os.path.join(staging, CARD_PATH), "w", encoding="utf-8") as stream:
        stream.write(render_card(card))


def _read_record(model_dir: str) -> dict[str, Any]:
    with open(os.path.join(model_dir, RECORD_PATH), encoding="utf-8") as stream:
        text = stream.read()
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise PublishError(
            f"{RECORD_PATH} must be a JSON object, got {error}; export the model again"
        ) from error


def _describe_push(version: int) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC)
    return {"version": version, "time": now.isoformat(timespec="seconds")}


@contextlib.contextmanager
def _hold_lock(base: str, timeout_seconds: float) -> Iterator[None]:
    """Makes `base` and holds the lock on it; waits for a push that has it."""
    try:
        os.makedirs(base, exist_ok=True)
        lock = os.open(os.path.join(base, LOCK_FILE), os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise PublishError(
            f"the push destination {base} must be a folder that user {os.getuid()} can write to, "
            f"got: {error}; give it to that user, or push elsewhere"
        ) from error
    try:
        deadline = time.monotonic() + timeout_seconds
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                raise PublishError(
                    f"{base} must be free for this push, got another push for {timeout_seconds:g} s; "
                    "let it end or stop it, and run again"
                )
            time.sleep(LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_leftovers(base: str) -> None:
    """Removes what killed pushes left; to be called under the lock."""
    for name in os.listdir(base):
        if name.startswith(STAGING_PREFIX):
            shutil.rmtree(os.path.join(base, name))


def _check_destination(base: str) -> None:
    if not base or "://" in base:
        raise PublishError(
            f"push_destination must be a local folder, got {base!r}; mount the store and give its path"
        )


def _sync(path: str) -> None:
    """Waits until the disk has a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
