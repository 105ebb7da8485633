"""Where a model comes from: the commit and the versions of what made it."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import platform
import subprocess

COMMIT_VARIABLE = "MARKETCAST_COMMIT"
"""Set in the image, which carries no git history."""
PACKAGES = (
    "tfx",
    "tensorflow",
    "keras",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
    "tfx-bsl",
    "apache-beam",
    "numpy",
    "pandas",
    "pyarrow",
    "exchange_calendars",
)


def find_commit() -> str:
    """The commit of the running code: COMMIT_VARIABLE, else git's answer, else `unknown`."""
    if commit := os.environ.get(COMMIT_VARIABLE):
        return commit
    command = ["git", "rev-parse", "HEAD"]
    root = pathlib.Path(__file__).parent
    try:
        answer = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()


def list_versions() -> dict[str, str]:
    """Version of Python and of each package that shapes a model."""
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **packages}
