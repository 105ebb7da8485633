"""The champion: the newest whole version under the push destination, copied for the Evaluator to judge by."""

from __future__ import annotations

import os
import shutil

from components.push.publish import PublishError, find_newest_version, verify_manifest

NO_CHAMPION = "none"
"""Stands where a version stands, when nothing is pushed yet."""


def find_champion(push_destination: str) -> str:
    """The name of the newest whole version under `push_destination`, or NO_CHAMPION."""
    version = find_newest_version(push_destination)
    return NO_CHAMPION if version is None else str(version)


def copy_champion(push_destination: str, version: str, target: str) -> str:
    """Copies the champion.

    Args:
      push_destination: local folder of the versions.
      version: which one, as `find_champion` named it; empty for the newest whole one of this moment.
      target: folder to make; left out where there is no champion.
    Returns:
      The version's name, or NO_CHAMPION.
    Raises:
      PublishError: the version named is not whole any more.
    """
    name = version or find_champion(push_destination)
    if name == NO_CHAMPION:
        return name
    source = os.path.join(push_destination, name)
    _check_whole(source)
    shutil.copytree(source, target, symlinks=True, copy_function=shutil.copyfile)
    _check_whole(target)
    return name


def _check_whole(version_dir: str) -> None:
    if problems := verify_manifest(version_dir):
        raise PublishError(
            f"the champion {version_dir} must be what its manifest says, got {problems[0]}; run again"
        )
