"""What a commit says: which files are a partition's content since then, and on which day that was known."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from components.errors import InputError
from components.ingest.bars import is_day, iso_date
from components.lake import bar_rows, layout
from components.lake.bar_rows import BarRows, Lanes

APPEND = "append"
CORRECT = "correct"
COMPACT = "compact"
VACUUM = "vacuum"
WITHDRAW = "withdraw"

_FINGERPRINT = re.compile("[0-9a-f]{32}")
_DAYS = ("known_on", "readable_from", "first_day", "last_day")


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


def read_commit(text: bytes, place: str, number: int) -> Commit:
    """Reads a commit's object.

    Args:
      text: of the object.
      place: of it, for errors.
      number: by its name.
    Raises:
      InputError: it is no commit, or another one.
    """
    try:
        commit = _take_commit(json.loads(text))
    except (ValueError, TypeError) as error:
        raise wrong_commit(place, str(error)) from error
    if commit.number != number:
        raise InputError(
            f"{place} must be commit {number} of a lake, got commit {commit.number}; take it away if it is a "
            "copy, or put the object back from one"
        )
    return commit


def wrong_commit(place: str, got: str) -> InputError:
    """The error that an object is no commit."""
    return InputError(f"{place} must be a commit of a lake, got {got}; put the object back from a copy")


def _take_commit(told: Any) -> Commit:
    """Raises a ValueError or TypeError of what is no commit."""
    if not isinstance(told, dict):
        raise ValueError("no object")
    for name in ("files", "places"):
        if not isinstance(told.get(name), dict):
            raise ValueError(f"{name} {told.get(name)!r}")
    files = {partition: _take_files(partition, own) for partition, own in told["files"].items()}
    commit = Commit(**{**told, "files": files})
    _check_fields(commit)
    for partition, number in commit.places.items():
        if type(number) is not int or not 1 <= number <= commit.number:
            raise ValueError(f"places {partition}: {number!r}")
    if files.keys() != {partition for partition, number in commit.places.items() if number == commit.number}:
        raise ValueError("places that do not go with files")
    return commit


def _take_files(partition: str, told: Any) -> tuple[BarsFile, ...]:
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise ValueError(f"files {partition}: {told!r}")
    return tuple(map(_take_file, told))


def _take_file(told: Mapping[str, Any]) -> BarsFile:
    fingerprint = told.get("fingerprint")
    if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
        raise ValueError(f"fingerprint {fingerprint!r}")
    file = BarsFile(**{**told, "fingerprint": bar_rows.from_hex(fingerprint)})
    _check_fields(file)
    return file


def _check_fields(one: Commit | BarsFile) -> None:
    """Refuses a count or a text that is none, and a day that is none; readable_from may be empty."""
    for field in dataclasses.fields(one):
        value = getattr(one, field.name)
        is_right = True
        if field.type == "int":
            is_right = type(value) is int and value >= 0
        elif field.name in _DAYS:
            is_right = is_day(value) or (field.name == "readable_from" and value == "")
        elif field.type == "str":
            is_right = isinstance(value, str)
        if not is_right:
            raise ValueError(f"{field.name} {value!r}")


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
