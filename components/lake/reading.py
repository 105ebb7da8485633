"""Reads a lake: what it held as known on a day, file by file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components import contract
from components.errors import InputError
from components.ingest.bars import EPOCH
from components.lake import bar_rows, layout
from components.lake.bar_rows import BarRows, merge
from components.lake.commits import BarsFile, Commit, Snapshot, read_commit, wrong_commit
from components.lake.storage import Storage

_BARS = re.compile(rf"{layout.BARS}/.*/(\d{{{layout.NUMBER_DIGITS}}})-[^/]*")
_COMMIT = re.compile(rf"{layout.COMMITS}/(\d{{{layout.NUMBER_DIGITS}}})\.json")


def read_snapshot(storage: Storage, known_on: str = "") -> Snapshot:
    """Reads what a lake held as known on a day.

    Args:
      storage: the lake's.
      known_on: YYYY-MM-DD; empty for the newest.
    Raises:
      InputError: there is no lake, it holds nothing yet, or did not on that day.
    """
    held = read_contract(storage)
    if held is None:
        raise InputError(
            f"{storage.location} must be a lake, got no {layout.CONTRACT_FILE} there; make one with "
            f"`marketcast ingest --lake {storage.location}`"
        )
    last = find_newest(storage)
    if not last:
        raise InputError(
            f"{storage.location} must hold bars, got a lake without a commit; add bars with "
            f"`marketcast ingest --lake {storage.location}`"
        )
    newest = load_commit(storage, last)
    commit = _find_known(storage, newest, known_on) if known_on else newest
    return gather_snapshot(storage, held, commit)


def read_contract(storage: Storage) -> layout.LakeContract | None:
    """Reads a lake's contract; None where there is no lake.

    Raises:
      InputError: it is of something else, or is not there though there are commits.
    """
    text = storage.read(layout.CONTRACT_FILE)
    if text is None and find_last_number(storage):
        text = storage.read(layout.CONTRACT_FILE)  # The first writer puts it there before its commit.
        if text is None:
            raise InputError(
                f"{storage.location} must hold {layout.CONTRACT_FILE} beside its commits, got none; put it "
                "back from a copy"
            )
    return None if text is None else layout.read_contract(text, storage.location)


def find_newest(storage: Storage) -> int:
    """Number of the newest commit; 0 of a lake that has had none.

    A writer that died before the first commit leaves bars of that one at most; who writes those of a later
    one has seen a commit.

    Raises:
      InputError: there are such bars, so that the commits must have been lost.
    """
    if last := find_last_number(storage):
        return last
    numbers = (int(match[1]) for path in storage.list(layout.BARS) if (match := _BARS.fullmatch(path)))
    if (highest := max(numbers, default=0)) < 2:
        return 0
    if last := find_last_number(storage):  # Others have been quick between the two looks.
        return last
    raise InputError(
        f"{storage.location} must hold the commits of its bars, got none beside bars of commit {highest}; "
        f"put the folder {layout.COMMITS} back from a copy, or give another place for a new lake"
    )


def find_last_number(storage: Storage) -> int:
    """Number of the newest commit that is there; 0 for none."""
    matches = (_COMMIT.fullmatch(path) for path in storage.list(layout.COMMITS))
    return max((int(match[1]) for match in matches if match), default=0)


def load_commit(storage: Storage, number: int) -> Commit:
    """Reads a commit.

    Raises:
      InputError: it is not there, no commit, or another one.
    """
    path = layout.commit_path(number)
    text = storage.read(path)
    if text is None:
        raise InputError(
            f"{storage.location} must hold commit {number}, got no {path}; put the object back from a copy"
        )
    return read_commit(text, storage.place(path), number)


def gather_snapshot(storage: Storage, held: layout.LakeContract, commit: Commit) -> Snapshot:
    """The content after a commit; reads the commits that its partitions stand in.

    Raises:
      InputError: one is not there, or lacks a partition.
    """
    at = {number: load_commit(storage, number) for number in {*commit.places.values()} - {commit.number}}
    at[commit.number] = commit
    partitions = {}
    for partition, number in commit.places.items():
        if partition not in at[number].files:
            place = storage.place(layout.commit_path(commit.number))
            raise wrong_commit(place, f"{partition} in commit {number}, which lacks it")
        partitions[partition] = at[number].files[partition]
    return Snapshot(held, commit, partitions)


def read_partition(storage: Storage, partition: str, files: Sequence[BarsFile]) -> BarRows:
    """The bars of some files of a partition, which are to go into another file.

    Raises:
      InputError: a file is not there, is broken, or holds other bars than its commit says.
    """
    rows = read_files(storage, (layout.bars_path(partition, file.name) for file in files))
    expected = bar_rows.add_fingerprints([file.fingerprint for file in files])
    if rows.fingerprint() != expected:
        raise InputError(
            f"{storage.place(layout.bars_path(partition, ''))} must hold the bars with fingerprint "
            f"{bar_rows.to_hex(expected)}, got {bar_rows.to_hex(rows.fingerprint())}; put its files back "
            "from a copy"
        )
    return rows


def read_files(storage: Storage, paths: Iterable[str]) -> BarRows:
    """The bars of some files of a lake, which are disjoint.

    Raises:
      InputError: a file is not there, or broken.
    """
    return merge([read_bars(storage, path) for path in paths])


def read_bars(storage: Storage, path: str) -> BarRows:
    """The bars of one file of a lake.

    Raises:
      InputError: it is not there, or broken.
    """
    content = storage.read(path)
    if content is None:
        raise InputError(f"{storage.location} must hold {path}, got no such file; put it back from a copy")
    try:
        # Without pyarrow's threads, which may outlive the interpreter (see ingest.tables).
        table = pq.ParquetFile(io.BytesIO(content)).read(list(layout.COLUMNS), use_threads=False)
        return decode_bars(table)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(
            f"{storage.place(path)} must be a whole file of bars, got {type(error).__name__}: {error}; put "
            "it back from a copy"
        ) from error


def decode_bars(table: pa.Table) -> BarRows:
    """Bars out of a table in the lake's order."""
    tickers = table.unify_dictionaries()[contract.TICKER].combine_chunks()
    if not isinstance(tickers, pa.DictionaryArray):
        tickers = tickers.dictionary_encode()
    values = np.column_stack([table[name].to_numpy() for name in contract.BAR_COLUMNS])
    days = table[contract.DATE].cast(pa.int32()).to_numpy().astype(np.int64)
    codes = tickers.indices.to_numpy().astype(np.int64)
    return BarRows(np.array(tickers.dictionary.to_pylist(), object), codes, days, values)


def encode_bars(rows: BarRows) -> bytes:
    """Bars as the content of a Parquet file, in the lake's columns."""
    tickers = pa.DictionaryArray.from_arrays(
        pa.array(rows.codes.astype(np.int32)), pa.array(rows.tickers.tolist(), pa.string())
    )
    dates = pa.array(EPOCH + rows.days.astype("timedelta64[D]"), pa.date32())
    columns = {contract.TICKER: tickers, contract.DATE: dates}
    columns |= {name: pa.array(rows.values[:, i]) for i, name in enumerate(contract.BAR_COLUMNS)}
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, compression="zstd")
    return stream.getvalue()


def _find_known(storage: Storage, newest: Commit, known_on: str) -> Commit:
    """The latest commit that was known on a day; known_on rises with the number."""
    first = load_commit(storage, 1)
    least = max(first.known_on, newest.readable_from)
    if known_on < least:
        raise InputError(
            f"source.known_on must be {least} or later in {storage.location}, got {known_on}; nothing is "
            "kept of what was known before"
        )
    low, high = first, newest
    if newest.known_on <= known_on:
        return newest
    while high.number - low.number > 1:
        middle = load_commit(storage, (low.number + high.number) // 2)
        low, high = (middle, high) if middle.known_on <= known_on else (low, middle)
    return low
