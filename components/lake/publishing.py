"""Makes a commit: its files first, then the commit itself, which only one writer can put in its place.

A writer that dies leaves files that no commit names, which nobody reads. Of two writers the slower one finds
the number taken, and goes through the lake's new content again.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import uuid
from collections.abc import Callable, Mapping

from components import progress
from components.errors import InputError
from components.lake import layout, reading
from components.lake.bar_rows import BarRows
from components.lake.commits import BarsFile, Commit, Snapshot, describe_file
from components.lake.storage import Storage, TakenError

NUM_TRIES = 20
"""Against other writers of the same lake."""
NUM_THREADS = 8
"""Files written at a time: an object store answers slowly."""


@dataclasses.dataclass(frozen=True)
class Renewal:
    """What becomes of a partition.

    Attributes:
      kept: those of its files that stay.
      rows: bars of its one new file; none where there is no new file.
    """

    kept: tuple[BarsFile, ...]
    rows: BarRows


@dataclasses.dataclass(frozen=True)
class Draft:
    """A commit to be made; see Commit for the fields of the same name.

    Attributes:
      quarantine: rows set aside, as the text of a CSV file; empty for none.
      renewals: partition -> what becomes of it.
    """

    kind: str
    known_on: str
    renewals: Mapping[str, Renewal]
    added: int = 0
    changed: int = 0
    quarantine: str = ""
    readable_from: str = ""


def publish(storage: Storage, make_draft: Callable[[Snapshot], Draft | None]) -> tuple[Snapshot, bool]:
    """Makes one commit, whoever else writes; a lake that is not there is made.

    Args:
      storage: the lake's.
      make_draft: the newest snapshot -> what is to be changed of it, None for nothing; called again where
        another writer was quicker.
    Returns:
      The newest snapshot, and whether a commit was made for it.
    Raises:
      InputError: the lake cannot be read or written to, or others are always quicker.
    """
    for _ in range(NUM_TRIES):
        before = _read_newest(storage)
        draft = make_draft(before)
        if draft is None:
            return before, False
        if after := _try_publish(storage, before, draft):
            return after, True
    raise InputError(
        f"{storage.location} must be left alone long enough for a commit, got another writer's "
        f"{NUM_TRIES} times; run again when they have ended"
    )


def _read_newest(storage: Storage) -> Snapshot:
    held = reading.read_contract(storage) or layout.LakeContract()
    last = reading.find_newest(storage)
    if not last:
        return Snapshot(held, None, {})
    return reading.gather_snapshot(storage, held, reading.load_commit(storage, last))


def _try_publish(storage: Storage, before: Snapshot, draft: Draft) -> Snapshot | None:
    """Writes files and commit; None where another writer has taken the number, or made the lake."""
    if before.commit is None and not _put_contract(storage, before.contract):
        return None
    writer = uuid.uuid4().hex
    number = before.commit.number + 1 if before.commit else 1
    stem = f"{number:0{layout.NUMBER_DIGITS}d}-{writer}"
    name = f"{stem}.parquet"
    renewed = [partition for partition, renewal in draft.renewals.items() if len(renewal.rows)]
    written = [layout.bars_path(partition, name) for partition in renewed]
    files = _write_files(storage, draft.renewals, name)
    quarantine = f"{stem}.csv" if draft.quarantine else ""
    if quarantine:
        written.append(f"{layout.QUARANTINE}/{quarantine}")
        storage.create(written[-1], draft.quarantine.encode())
    places = dict(before.commit.places) if before.commit else {}
    commit = Commit(
        number=number,
        known_on=draft.known_on,
        kind=draft.kind,
        writer=writer,
        added=draft.added,
        changed=draft.changed,
        quarantine=quarantine,
        readable_from=draft.readable_from or (before.commit.readable_from if before.commit else ""),
        files=files,
        places=places | dict.fromkeys(files, number),
    )
    if not _put_commit(storage, commit):
        for path in written:
            storage.delete(path)
        return None
    return Snapshot(before.contract, commit, {**before.partitions, **files})


def _write_files(
    storage: Storage, renewals: Mapping[str, Renewal], name: str
) -> dict[str, tuple[BarsFile, ...]]:
    def write(partition: str) -> tuple[BarsFile, ...]:
        renewal = renewals[partition]
        if not len(renewal.rows):
            return renewal.kept
        storage.create(layout.bars_path(partition, name), reading.encode_bars(renewal.rows))
        return (*renewal.kept, describe_file(name, renewal.rows))

    files: dict[str, tuple[BarsFile, ...]] = {}
    with concurrent.futures.ThreadPoolExecutor(NUM_THREADS) as pool:
        for partition, own in zip(renewals, pool.map(write, renewals), strict=True):
            files[partition] = own
            progress.report("files written", len(files), len(renewals))
    return files


def _put_contract(storage: Storage, held: layout.LakeContract) -> bool:
    """Whether the lake is there, under this contract."""
    with contextlib.suppress(TakenError):
        storage.create(layout.CONTRACT_FILE, held.to_json().encode())
    return reading.read_contract(storage) == held


def _put_commit(storage: Storage, commit: Commit) -> bool:
    """Whether the commit stands at its number."""
    with contextlib.suppress(TakenError):
        storage.create(layout.commit_path(commit.number), commit.to_json())
        return True
    # A request whose answer was lost is sent again and finds the number taken by itself.
    return reading.load_commit(storage, commit.number).writer == commit.writer
