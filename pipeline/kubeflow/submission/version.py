"""What a version of the pipeline is called: the commit that made it, and where that is not all, a digest."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess

from components.errors import ConfigError
from components.provenance import COMMIT_VARIABLE, find_commit

COMMIT_LETTERS = 12
DIGEST_LETTERS = 12
SOURCES = ("components", "pipeline", "serving", "requirements", "pyproject.toml")
"""What a package and its image are made of."""
UNKNOWN = "unknown"
"""What find_commit says where there is neither git nor COMMIT_VARIABLE."""


def name_version(digest: str) -> str:
    """The version's name: the commit, with the package's digest where the commit does not say it all.

    Args:
      digest: SHA-256 of the package's bytes, hex.
    """
    commit = find_commit()
    if commit == UNKNOWN:
        return f"package-{digest[:DIGEST_LETTERS]}"
    name = commit[:COMMIT_LETTERS]
    return add_digest(name, digest) if has_changes() else name


def add_digest(name: str, digest: str) -> str:
    """The name of another package of the same commit."""
    return f"{name}-{digest[:DIGEST_LETTERS]}"


def has_changes(folder: pathlib.Path = pathlib.Path(__file__).parent) -> bool:
    """Whether the sources hold what their commit does not; an image is made of a commit.

    Other files do not count: a package that was compiled into the checkout is not in git.

    Args:
      folder: any in the checkout.
    """
    if os.environ.get(COMMIT_VARIABLE):
        return False
    places = [f":/{source}" for source in SOURCES]
    command = ["git", "status", "--porcelain", "--", *places]
    try:
        answer = subprocess.run(command, cwd=folder, capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return True
    return bool(answer.stdout.strip())


def hash_package(file: str) -> str:
    """SHA-256 of a package's bytes, hex.

    Raises:
      ConfigError: the file cannot be read.
    """
    try:
        return hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"the package must be a readable file, got {error}; check the path") from error
