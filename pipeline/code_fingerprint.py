"""A fingerprint of the code that makes artifacts, so that an edit is never answered from the cache."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Iterable

import components
from components import provenance

SUFFIXES = (".py", ".pbtxt")


def fingerprint_code() -> str:
    """Returns a SHA-256 (hex) over every source file of `components` and the versions of what they stand on.

    TFX's cache knows inputs, parameters and class names, but not what the code of a class says.
    """
    versions = [f"{name} {version}" for name, version in provenance.list_versions().items()]
    return fingerprint_folder(pathlib.Path(components.__path__[0]), versions)


def fingerprint_folder(folder: pathlib.Path, versions: Iterable[str]) -> str:
    """Returns a SHA-256 (hex) over the names and contents of a folder's sources, and over `versions`."""
    digest = hashlib.sha256("\n".join(versions).encode())
    for file in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"\n{file.relative_to(folder)} {content}".encode())
    return digest.hexdigest()
