"""Keys of results: a hash of all that they are made of."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any


def make_key(**parts: Any) -> str:
    """Returns a SHA-256 (hex) of plain values for JSON, whatever the order of their names."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def digest_folder(folder: str) -> str:
    """Returns a SHA-256 (hex) of the names and contents of a folder's files; no folder is an empty one."""
    digest = hashlib.sha256()
    for path in list_files(folder):
        digest.update(f"{path}\n{digest_file(os.path.join(folder, path))}\n".encode())
    return digest.hexdigest()


def digest_file(path: str) -> str:
    """Returns the SHA-256 (hex) of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def list_files(folder: str) -> list[str]:
    """Returns the paths of all files of a folder, from there, sorted."""
    return sorted(
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, _, names in os.walk(folder)
        for name in names
    )
