"""What a rehearsal found: each check, and the figures measured."""

from __future__ import annotations

import dataclasses
import json
import os

REPORT_FILE = "rehearsal.json"


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that the exported model had to do.

    Attributes:
      name: what was checked, in a few words.
      problems: one sentence each; none where the check passed.
    """

    name: str
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing was wrong."""
        return not self.problems


@dataclasses.dataclass(frozen=True)
class RehearsalReport:
    """A rehearsal from its first check to its last.

    Attributes:
      checks: in the order in which they ran; a model that does not load has one only.
      figures: by name with the unit in it; see replay.py.
    """

    checks: tuple[Check, ...]
    figures: dict[str, float]

    @property
    def passed(self) -> bool:
        """Every check passed, and there was one."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each thing that was wrong."""
        return tuple(problem for check in self.checks for problem in check.problems)


def write_report(report: RehearsalReport, path: str) -> None:
    """Writes a report as JSON."""
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(dataclasses.asdict(report), stream, indent=1)
        stream.write("\n")


def load_report(path: str) -> RehearsalReport:
    """Reads what write_report wrote."""
    with open(path, encoding="utf-8") as stream:
        content = json.load(stream)
    checks = tuple(Check(check["name"], tuple(check["problems"])) for check in content["checks"])
    return RehearsalReport(checks, content["figures"])


def read_report(uri: str) -> RehearsalReport:
    """Reads the report in a Rehearsal's `infra_blessing` artifact.

    Args:
      uri: the artifact's folder.
    """
    return load_report(os.path.join(uri, REPORT_FILE))
