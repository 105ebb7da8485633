"""What validation found: which rows, why, and whether they end the run or are set aside."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from components.errors import InputError

REFUSE = "refuse"
"""The run ends before anything is written."""
QUARANTINE = "quarantine"
"""The rows go to a file with the reason, and the run goes on without them."""
POLICIES = (REFUSE, QUARANTINE)

UNREADABLE = "unreadable"
"""Check of a file that cannot be read as bars at all; always refused."""
IMPOSSIBLE_ACTION = "impossible_action"
"""Check of corporate actions that the closes cannot have seen; always refused."""
OUTSIDE_CALENDAR = "outside_calendar"
"""Check of bars on days of which the calendar knows nothing; always refused."""
MAX_MESSAGES = 5
"""Messages kept of each finding, and shown of all."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Rows of one file that failed one check.

    Attributes:
      check: field of ValidationConfig, or UNREADABLE, IMPOSSIBLE_ACTION, OUTSIDE_CALENDAR.
      policy: REFUSE or QUARANTINE.
      file: the file.
      lines: its lines that are set aside.
      reason: why, in the words of the quarantine file.
      messages: the first MAX_MESSAGES violations in full: place, value and how to mend it.
      num_violations: all violations.
    """

    check: str
    policy: str
    file: str
    lines: tuple[int, ...]
    reason: str
    messages: tuple[str, ...]
    num_violations: int


def unreadable(file: str, error: InputError) -> Finding:
    """Returns the finding for a file that cannot be read as bars."""
    return always_refused(UNREADABLE, file, str(error))


def always_refused(check: str, file: str, message: str) -> Finding:
    """Returns a finding that no policy lets pass."""
    return Finding(check, REFUSE, file, (), f"{check}: the file", (message,), 1)


def or_quarantine(check: str, policy: str) -> str:
    """Returns the end of a message: the other way out of a refusal."""
    return f", or set validation.{check} to {QUARANTINE}" if policy == REFUSE else ""


def raise_refused(findings: Sequence[Finding]) -> None:
    """Raises one InputError for all findings that refuse, in the order of their files and lines."""
    refused = [finding for finding in findings if finding.policy == REFUSE]
    if not refused:
        return
    refused.sort(key=lambda finding: (finding.file, finding.lines[:1], finding.check, finding.reason))
    messages = [message for finding in refused for message in finding.messages][:MAX_MESSAGES]
    num_violations = sum(finding.num_violations for finding in refused)
    if num_violations == 1:
        raise InputError(messages[0])
    heading = f"bars must be sound, got {num_violations:,} violations"
    if num_violations > len(messages):
        heading += f"; the first {len(messages)}"
    raise InputError("\n  ".join([f"{heading}:", *messages]))
