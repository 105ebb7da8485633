"""What the audit checked, and what it found."""

from __future__ import annotations

import dataclasses
import json
import os

REPORT_FILE = "audit.json"


@dataclasses.dataclass(frozen=True)
class AuditConfig:
    """How much the audit looks at.

    Attributes:
      chunks: of each split, drawn at random, at least 1.
      days: target days of each chunk after which noise is put, at least 1.
      seed: of the draw and the noise.
    """

    chunks: int = 3
    days: int = 3
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("chunks", "days"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"audit.{name} must be at least 1, got {value}; 3 takes a few seconds")


@dataclasses.dataclass(frozen=True)
class AuditReport:
    """A finished audit.

    Attributes:
      chunks: names of those whose future was changed.
      num_probes: target days after which it was changed.
      num_labels: labels that were computed again.
      num_constants: values of the Transform graph compared with those of one that saw train alone.
      problems: a sentence each; none if nothing leaks.
    """

    chunks: tuple[str, ...]
    num_probes: int
    num_labels: int
    num_constants: int
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Nothing leaked, and something was looked at."""
        return not self.problems and self.num_probes > 0 and self.num_labels > 0 and self.num_constants > 0

    def describe(self) -> str:
        """One line for the screen."""
        if not self.passed:
            return f"{len(self.problems)} leaks"
        return f"no leak: {self.num_probes} futures, {self.num_labels:,} labels, constants of train alone"


def write_report(report: AuditReport, folder: str) -> None:
    """Writes a report as JSON into the artifact's folder."""
    with open(os.path.join(folder, REPORT_FILE), "w", encoding="utf-8") as stream:
        json.dump(dataclasses.asdict(report), stream, indent=1)
        stream.write("\n")


def read_report(folder: str) -> AuditReport:
    """Reads what write_report wrote."""
    with open(os.path.join(folder, REPORT_FILE), encoding="utf-8") as stream:
        content = json.load(stream)
    content |= {name: tuple(content[name]) for name in ("chunks", "problems")}
    return AuditReport(**content)
