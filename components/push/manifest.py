"""The manifest of a published model: the sha256 of each of its files; standard library only."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from components import contract
from components.errors import MarketcastError

MANIFEST_PATH = f"{contract.ASSETS_EXTRA}/{contract.MANIFEST_FILE}"


class PublishError(MarketcastError):
    """A model cannot be published, or a published one is not what its manifest says."""


def verify_manifest(version_dir: str) -> list[str]:
    """Compares a version with its manifest.

    Args:
      version_dir: folder of a pushed version.
    Returns:
      One sentence for each file that is missing, changed or not listed; empty if the version is whole.
    """
    try:
        with open(os.path.join(version_dir, MANIFEST_PATH), encoding="utf-8") as stream:
            listed = json.load(stream)
        found = hash_files(version_dir)
    except (OSError, ValueError, PublishError) as error:
        return [f"{version_dir} must hold files and a readable {MANIFEST_PATH}, got {error}; push it again"]
    if not isinstance(listed, dict):
        return [
            f"{MANIFEST_PATH} must map each file to its sha256, got {type(listed).__name__}; push it again"
        ]
    found.pop(MANIFEST_PATH, None)
    problems = [f"{path} must be there, got nothing; push it again" for path in listed.keys() - found.keys()]
    problems += [
        f"{path} must stand in the manifest, got no entry; remove it" for path in found.keys() - listed.keys()
    ]
    problems += [
        f"{path} must have sha256 {listed[path]}, got {found[path]}; push it again"
        for path in listed.keys() & found.keys()
        if listed[path] != found[path]
    ]
    return sorted(problems)


def write_manifest(version_dir: str) -> None:
    """Lists every file under `version_dir` but the manifest itself; replaces a manifest that is there."""
    files = hash_files(version_dir)
    write_json(
        os.path.join(version_dir, MANIFEST_PATH), {p: d for p, d in files.items() if p != MANIFEST_PATH}
    )


def write_json(path: str, value: Mapping[str, Any]) -> None:
    """Writes a mapping of JSON types without NaN, keys sorted."""
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(value, stream, indent=1, sort_keys=True, allow_nan=False)
        stream.write("\n")


def hash_files(folder: str) -> dict[str, str]:
    """sha256 of each file under `folder` by relative path, sorted.

    Raises:
      PublishError: an entry is neither file nor folder; links are refused, wherever they lead.
    """
    digests = {}
    for path in _list_files(folder, ""):
        with open(os.path.join(folder, path), "rb") as stream:
            digests[path] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests


def _list_files(folder: str, prefix: str) -> Iterator[str]:
    with os.scandir(folder) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        path = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _list_files(entry.path, f"{path}/")
        elif entry.is_file(follow_symlinks=False):
            yield path
        else:
            raise PublishError(
                f"{entry.path} must be a file or a folder, got a link or a special file; "
                "put a copy of what it stands for there"
            )
