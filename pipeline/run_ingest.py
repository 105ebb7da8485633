"""What `marketcast ingest` does: bars into a lake, and what keeps it in shape."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any, TextIO

from components.errors import ConfigError
from components.ingest.bars import ValidationConfig, is_day
from components.ingest.source_config import SourceConfig
from components.lake import (
    arriving,
    bar_rows,
    compacting,
    layout,
    publishing,
    revising,
    vacuuming,
    withdrawing,
)
from components.lake.commits import Snapshot
from components.lake.storage import Storage
from pipeline import failures
from pipeline.console import watch_progress

COUNTS = {
    "added": "added",
    "corrected": "corrected",
    "withdrawn": "withdrawn",
    "unchanged": "unchanged",
    "absent": "not there",
    "quarantined": "quarantined",
    "deleted": "files deleted",
}
"""What is counted -> what a line for people calls it."""


@dataclasses.dataclass(frozen=True)
class IngestOptions:
    """What the user asks for.

    Attributes:
      lake: its folder or URL.
      source: where the bars come from.
      validation: the policies.
      known_on: day on which they were known, YYYY-MM-DD; empty for today (UTC).
      is_correction: bars may take the place of others.
      withdrawn_file: names bars to take out instead; empty for none.
      is_compaction: join files instead.
      readable_from: forget what was known before this day instead, YYYY-MM-DD; empty for not.
      as_json: tell it as one JSON object.
    """

    lake: str
    source: SourceConfig
    validation: ValidationConfig
    known_on: str = ""
    is_correction: bool = False
    withdrawn_file: str = ""
    is_compaction: bool = False
    readable_from: str = ""
    as_json: bool = False

    def __post_init__(self) -> None:
        for flag, day in (("--known-on", self.known_on), ("--forget-before", self.readable_from)):
            if day and not is_day(day):
                raise ConfigError(f"{flag} must be a day as YYYY-MM-DD, got {day!r}; write it so")
        if self.known_on > arriving.last_day():
            raise ConfigError(
                f"--known-on must be a day that has come, got {self.known_on}; no earlier day could be added "
                "after it"
            )
        if self.has_bars and arriving.overlaps(self.source, self.lake):
            raise ConfigError(
                f"source.path must be another place than --lake, got {self.source.path} and {self.lake}, "
                "which overlap; give the new bars alone with --set source.path=PATH"
            )

    @property
    def has_bars(self) -> bool:
        """Whether bars of the source come in."""
        return not (self.withdrawn_file or self.is_compaction or self.readable_from)

    @property
    def day(self) -> str:
        """Day on which what is given was known, YYYY-MM-DD."""
        return self.known_on or datetime.datetime.now(datetime.UTC).date().isoformat()


def run(asked: IngestOptions, stdout: TextIO, stderr: TextIO) -> int:
    """Does it and tells the user about it.

    Returns:
      The exit code: 0, or 130 where it was interrupted.
    Raises:
      MarketcastError: it cannot be done; nothing has changed then.
    """
    if asked.has_bars and asked.source.actions_path:
        print(
            "source.actions_path is not used here: a lake keeps closes as they were traded, and the run that "
            "reads it adjusts them",
            file=stderr,
        )
    try:
        with watch_progress("ingest", stderr):
            told = ingest(asked)
    except KeyboardInterrupt:
        print("interrupted; the lake is as it was, the same command begins anew", file=stderr)
        return failures.INTERRUPTED_EXIT_CODE
    print(json.dumps(told) if asked.as_json else describe(told), file=stdout)
    return 0


def ingest(asked: IngestOptions) -> dict[str, Any]:
    """Does it.

    Returns:
      Plain values for JSON: commit (its number, null where there was nothing to do), kind, added, corrected,
      unchanged, quarantined and quarantine (its file) of what was given; withdrawn and absent (not there) of
      what was to be withdrawn; deleted (files); lake, known_on, num_bars, num_files and fingerprint of it.
    Raises:
      MarketcastError: it cannot be done; nothing has changed then.
    """
    storage = Storage(asked.lake)
    if asked.is_compaction:
        after, is_new = publishing.publish(storage, lambda it: compacting.draft_compaction(storage, it))
        return _tell(storage, after, is_new, {})
    if asked.readable_from:
        after, is_new = publishing.publish(
            storage, lambda it: vacuuming.draft_vacuum(storage, it, asked.readable_from)
        )
        return _tell(storage, after, is_new, {"deleted": vacuuming.delete_unneeded(storage, after)})
    return _withdraw(storage, asked) if asked.withdrawn_file else _take_in(storage, asked)


def describe(told: dict[str, Any]) -> str:
    """The same in one line."""
    if told["commit"] is None:
        done = "nothing to do"
    else:
        done = f"commit {told['commit']} ({told['kind']}), known on {told['known_on']}"
    counts = [f"{told[name]:,} {words}" for name, words in COUNTS.items() if told[name]]
    aside = f" (see {told['quarantine']})" if told["quarantine"] else ""
    given = f": {', '.join(counts)}{aside}" if counts else ""
    return f"{told['lake']}: {done}{given}; {told['num_bars']:,} bars in {told['num_files']:,} files"


def _take_in(storage: Storage, asked: IngestOptions) -> dict[str, Any]:
    source = dataclasses.replace(asked.source, actions_path="")
    checked = arriving.read_checked(source, asked.validation, asked.day)
    arrival = revising.Arrival(checked.rows, asked.day, asked.is_correction, checked.quarantine)
    after, is_new = publishing.publish(storage, lambda it: revising.draft_arrival(storage, it, arrival))
    added, corrected = (after.commit.added, after.commit.changed) if is_new and after.commit else (0, 0)
    counts = {
        "added": added,
        "corrected": corrected,
        "unchanged": len(checked.rows) - added - corrected,
        "quarantined": checked.num_quarantined,
    }
    return _tell(storage, after, is_new, counts)


def _withdraw(storage: Storage, asked: IngestOptions) -> dict[str, Any]:
    withdrawal = withdrawing.Withdrawal(
        withdrawing.read_withdrawn(asked.withdrawn_file, asked.source.at_files(asked.withdrawn_file)),
        asked.day,
    )
    after, is_new = publishing.publish(
        storage, lambda it: withdrawing.draft_withdrawal(storage, it, withdrawal)
    )
    withdrawn = after.commit.changed if is_new and after.commit else 0
    counts = {"withdrawn": withdrawn, "absent": len(withdrawal.bars) - withdrawn}
    return _tell(storage, after, is_new, counts)


def _tell(storage: Storage, after: Snapshot, is_new: bool, counts: dict[str, int]) -> dict[str, Any]:
    commit = after.commit
    quarantine = commit.quarantine if is_new and commit else ""
    return {
        "lake": storage.location,
        "commit": commit.number if is_new and commit else None,
        "kind": commit.kind if is_new and commit else "",
        "known_on": commit.known_on if commit else "",
        **{name: counts.get(name, 0) for name in COUNTS},
        "quarantine": storage.place(f"{layout.QUARANTINE}/{quarantine}") if quarantine else "",
        "num_bars": after.num_bars,
        "num_files": len(after.paths),
        "fingerprint": bar_rows.to_hex(after.fingerprint),
    }
