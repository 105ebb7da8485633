"""Whether a pushed version is whole and was blessed: what its own record says."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from components import contract
from components.errors import ConfigError, ServingError
from components.push import publish

VERDICT_KEY = contract.RECORD_VERDICT
METRICS_KEY = contract.RECORD_METRICS
SKILL_METRIC = "skill_ewma_h1"
"""Pinball skill of the next day's quantiles against EWMA-empirical, a fraction."""


@dataclasses.dataclass(frozen=True)
class PushedVersion:
    """What a record says of a version.

    Attributes:
      version: its number.
      is_blessed: whether it passed the gate.
      reasons: why it did not.
      skill: see SKILL_METRIC; None where the record has none.
      pushed_at: ISO time.
    """

    version: int
    is_blessed: bool
    reasons: tuple[str, ...]
    skill: float | None
    pushed_at: str


def read_version(base_path: str, version: int) -> PushedVersion:
    """Reads the record of a version on disk.

    Raises:
      ServingError: the version is not there, or is not what its manifest says.
    """
    folder = os.path.join(base_path, str(version))
    if problems := publish.verify_manifest(folder):
        raise ServingError(f"version {version} must be whole, got: {problems[0]}")
    return read_record(os.path.join(folder, contract.ASSETS_EXTRA, contract.RECORD_FILE), version)


def read_record(path: str, version: int) -> PushedVersion:
    """Reads a record, or a copy of one.

    Raises:
      ConfigError: the file is no record, or that of another version.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            record = json.load(stream)
        pushed, verdict = record[publish.PUSH_KEY], record[VERDICT_KEY]
        found = PushedVersion(
            int(pushed["version"]),
            bool(verdict["blessed"]),
            tuple(verdict["reasons"]),
            record.get(METRICS_KEY, {}).get(SKILL_METRIC),
            str(pushed["time"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path} must be the {contract.RECORD_FILE} of a pushed version, got {type(error).__name__}: "
            f"{error}; take it from the version's assets.extra"
        ) from error
    if found.version != version:
        raise ConfigError(
            f"{path} must be the record of version {version}, got that of {found.version}; take the right one"
        )
    return found


def check_blessed(found: PushedVersion) -> None:
    """Raises ServingError unless the version was blessed."""
    if not found.is_blessed:
        reasons = "; ".join(found.reasons) or "no reason in its record"
        raise ServingError(
            f"version {found.version} must be blessed to be promoted, got a refusal of the gate: {reasons}"
        )


def describe(found: PushedVersion) -> dict[str, Any]:
    """What a table or a program wants to know."""
    return dataclasses.asdict(found)
