"""The versions of a model on disk: which are there, and which may be served."""

from __future__ import annotations

import os
import pathlib

from components.push import manifest, publish

Snapshot = frozenset[tuple[str, int, int]]
"""Relative path, size and time of change of each file in a folder."""


def list_complete_versions(base_path: pathlib.Path) -> list[int]:
    """Versions under a model's base path that hold a SavedModel's graph, newest first."""
    versions = reversed(publish.list_versions(str(base_path)))
    return [v for v in versions if (base_path / str(v) / publish.SAVED_MODEL_FILE).is_file()]


def find_damage(folder: pathlib.Path) -> str:
    """What differs from a version's manifest; empty for a whole version and for one without manifest."""
    if not (folder / manifest.MANIFEST_PATH).exists():
        return ""
    return "; ".join(manifest.verify_manifest(str(folder)))


def take_snapshot(folder: pathlib.Path) -> Snapshot:
    """What a folder holds, so that a change in it is seen; empty if it is gone."""
    found = set()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = pathlib.Path(parent, name)
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found.add((str(path.relative_to(folder)), stat.st_size, stat.st_mtime_ns))
    return frozenset(found)
