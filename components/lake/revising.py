"""Adds bars to a lake: new ones, and, as a revision, others in the place of those that are there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from components import contract, progress
from components.errors import InputError
from components.ingest.bars import tell_apart
from components.lake import commits, layout, reading
from components.lake.bar_rows import BarRows, compare, merge, share_tickers
from components.lake.commits import BarsFile, Snapshot
from components.lake.publishing import Draft, Renewal
from components.lake.storage import Storage

MAX_FILES = 32
"""Of a partition, before an append makes one of them, all but the largest."""


@dataclasses.dataclass(frozen=True)
class Arrival:
    """Bars that come into a lake.

    Attributes:
      rows: the bars, none of a later day than they were known on (see arriving.read_checked).
      known_on: that day, YYYY-MM-DD.
      is_correction: they may take the place of bars that are there.
      quarantine: rows set aside on the way, as the text of a CSV file; empty for none.
    """

    rows: BarRows
    known_on: str
    is_correction: bool
    quarantine: str = ""


def draft_arrival(storage: Storage, before: Snapshot, arrival: Arrival) -> Draft | None:
    """What is to be changed of a lake so that it holds these bars; None where it holds them already.

    Args:
      storage: the lake's; only files whose days meet those of the bars are read.
      before: its newest snapshot.
      arrival: the bars.
    Raises:
      InputError: a bar would change that may not, or the day of knowledge is too early.
    """
    revisions = list(_list_revisions(storage, before, arrival.rows))
    revised = [revision for revision in revisions if revision.num_absent or revision.num_changed]
    if not revised:
        return None
    check_known_on(before, arrival.known_on)
    changed = sum(revision.num_changed for revision in revised)
    if changed and not arrival.is_correction:
        first = next(revision for revision in revised if revision.num_changed)
        raise InputError(
            f"bars that {storage.location} holds must not change by an append, got {first.conflict}"
            f"{f' (and {changed - 1:,} more)' if changed > 1 else ''}; leave them out, or give --correct to "
            "add a revision"
        )
    return Draft(
        commits.CORRECT if arrival.is_correction else commits.APPEND,
        arrival.known_on,
        {revision.partition: _renew(storage, revision) for revision in revised},
        added=sum(revision.num_absent for revision in revised),
        changed=changed,
        quarantine=arrival.quarantine,
    )


def split_rows(rows: BarRows, num_buckets: int) -> dict[str, BarRows]:
    """Bars by their partition."""
    years, buckets = rows.years(), rows.buckets(num_buckets)
    partitions, own = np.unique(years * num_buckets + buckets, return_inverse=True)
    order = np.argsort(own, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(own, minlength=len(partitions)))[:-1])
    return {
        layout.partition_of(*divmod(int(partition), num_buckets)): rows.take(part)
        for partition, part in zip(partitions, parts, strict=True)
    }


def check_known_on(before: Snapshot, known_on: str) -> None:
    """Refuses a day before that of the newest commit.

    Raises:
      InputError: it is one.
    """
    if before.commit and known_on < before.commit.known_on:
        raise InputError(
            f"--known-on must be {before.commit.known_on} or later, the day of the lake's newest commit, got "
            f"{known_on}; what was known on an earlier day stays as it is"
        )


@dataclasses.dataclass(frozen=True)
class _Revision:
    """What bars mean to a partition.

    Attributes:
      partition: which.
      files: what it has now.
      fresh: the bars that are not there, or are others.
      num_absent: of them, those that are not there.
      num_changed: those that are others.
      conflict: the first of these, beside the one that is there.
    """

    partition: str
    files: tuple[BarsFile, ...]
    fresh: BarRows
    num_absent: int
    num_changed: int
    conflict: str


def _list_revisions(storage: Storage, before: Snapshot, rows: BarRows) -> Iterator[_Revision]:
    parts = split_rows(rows, before.contract.num_buckets)
    for number, (partition, part) in enumerate(parts.items(), 1):
        files = before.partitions.get(partition, ())
        yield _revise(storage, partition, files, part)
        progress.report("partitions compared", number, len(parts))


def _revise(storage: Storage, partition: str, files: tuple[BarsFile, ...], part: BarRows) -> _Revision:
    met = commits.find_met(files, part)
    given, there = share_tickers([part, reading.read_partition(storage, partition, met)])
    difference = compare(given, there)
    num_changed = int(difference.changed.sum())
    conflict = ""
    if num_changed:
        row = int(difference.changed.argmax())
        conflict = _describe_conflict(given, row, there, int(difference.place[row]))
    return _Revision(
        partition,
        files,
        given.take(difference.absent | difference.changed),
        int(difference.absent.sum()),
        num_changed,
        conflict,
    )


def _describe_conflict(given: BarRows, row: int, there: BarRows, place: int) -> str:
    own, other = given.values[row], there.values[place]
    column = int((own != other).argmax())
    name = contract.BAR_COLUMNS[column]
    got, held = tell_apart(own[column], other[column])
    return f"{given.name(row)} with {name} {got} where {held} is"


def _renew(storage: Storage, revision: _Revision) -> Renewal:
    """New bars go into a file of their own; where bars change, all of the partition becomes one file.

    Small files become one as soon as they are many, all but the largest: what days cost does not grow.
    """
    files, fresh, partition = revision.files, revision.fresh, revision.partition
    if revision.num_changed:
        fresh, there = share_tickers([fresh, reading.read_partition(storage, partition, files)])
        stays = ~np.isin(there.keys, fresh.keys)
        return Renewal((), merge([there.take(stays), fresh]))
    if len(files) < MAX_FILES:
        return Renewal(files, fresh)
    largest = max(files, key=lambda file: file.num_bars)
    others = [file for file in files if file is not largest]
    return Renewal((largest,), merge([reading.read_partition(storage, partition, others), fresh]))
