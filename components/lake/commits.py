"""What a commit says: which files are a partition's content since then, and on which day that was known."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from components.errors import InputError
from components.ingest.bars import iso_date
from components.lake import bar_rows, layout
from components.lake.bar_rows import BarRows, Lanes

APPEND = "append"
CORRECT = "correct"
COMPACT = "compact"
VACUUM = "vacuum"
WITHDRAW = "withdraw"


@dataclasses.dataclass(frozen=True)
class BarsFile:
    """One file of bars.

    Attributes:
      name: in its partition.
      num_bars: its rows.
      first_day: of them, YYYY-MM-DD.
      last_day: the same.
      fingerprint: of its bars, see BarRows.fingerprint.
    """

    name: str
    num_bars: int
    first_day: str
    last_day: str
    fingerprint: Lanes


def describe_file(name: str, rows: BarRows) -> BarsFile:
    """What is told of a file that holds these bars, at least one."""
    first, last = iso_date(int(rows.days.min())), iso_date(int(rows.days.max()))
    return BarsFile(name, len(rows), first, last, rows.fingerprint())


def find_met(files: Sequence[BarsFile], rows: BarRows) -> list[BarsFile]:
    """Those of some files that can hold a bar of the days of these bars, at least one."""
    first, last = iso_date(int(rows.days.min())), iso_date(int(rows.days.max()))
    return [file for file in files if file.first_day <= last and file.last_day >= first]


@dataclasses.dataclass(frozen=True)
class Commit:
    """One step of a lake's history.

    Attributes:
      number: from 1 on, without gaps.
      known_on: day on which what it says was known, YYYY-MM-DD; never before that of an earlier commit.
      kind: APPEND, CORRECT, WITHDRAW, COMPACT or VACUUM.
      writer: of whoever made it, for himself to know it by.
      added: bars that were not there before.
      changed: bars that were there and are others now; of a withdrawal, are not any more.
      quarantine: its file of rows set aside, in layout.QUARANTINE; empty for none.
      readable_from: earlier days cannot be asked for any more; empty: all can.
      files: partition -> all of its files, of each partition that changed; none where all bars went.
      places: partition -> number of the commit whose `files` hold it, of every partition of the lake.
    """

    number: int
    known_on: str
    kind: str
    writer: str
    added: int
    changed: int
    quarantine: str
    readable_from: str
    files: Mapping[str, tuple[BarsFile, ...]]
    places: Mapping[str, int]

    def to_json(self) -> bytes:
        """The commit's object."""
        files = {
            partition: [
                {**dataclasses.asdict(file), "fingerprint": bar_rows.to_hex(file.fingerprint)} for file in own
            ]
            for partition, own in self.files.items()
        }
        told = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return (json.dumps({**told, "files": files, "places": dict(self.places)}) + "\n").encode()


def read_commit(text: bytes, place: str) -> Commit:
    """Reads a commit's object.

    Args:
      text: of the object.
      place: of it, for errors.
    Raises:
      InputError: it is no commit.
    """
    try:
        told = json.loads(text)
        files = {partition: tuple(map(_read_file, own)) for partition, own in told["files"].items()}
        return Commit(**{**told, "files": files})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{place} must be a commit of a lake, got {type(error).__name__}: {error}; put the object back "
            "from a copy"
        ) from error


def _read_file(told: Mapping[str, Any]) -> BarsFile:
    return BarsFile(**{**told, "fingerprint": bar_rows.from_hex(told["fingerprint"])})


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A lake's content after a commit.

    Attributes:
      contract: of the lake.
      commit: the commit; None of a lake that has none yet.
      partitions: partition -> its files, whose bars are disjoint.
    """

    contract: layout.LakeContract
    commit: Commit | None
    partitions: Mapping[str, tuple[BarsFile, ...]]

    @property
    def paths(self) -> list[str]:
        """Path of each file in the lake, sorted."""
        named = (
            layout.bars_path(partition, file.name)
            for partition, own in self.partitions.items()
            for file in own
        )
        return sorted(named)

    @property
    def num_bars(self) -> int:
        """Bars in all."""
        return sum(file.num_bars for own in self.partitions.values() for file in own)

    @property
    def fingerprint(self) -> Lanes:
        """Of the bars, however they are spread over files."""
        return bar_rows.add_fingerprints(
            [file.fingerprint for own in self.partitions.values() for file in own]
        )
