"""Rows that wait in files: each ticker's come back whole from the files of its shard, and from no other."""

from __future__ import annotations

import collections
import pathlib

import numpy as np
import pytest

from components.ingest.bars import Piece
from components.ingest.shards import shard_of

pytestmark = pytest.mark.tf

NUM_SHARDS = 3
TICKERS = tuple(f"T{number}" for number in range(8))


def make_pieces(file: str, seed: int) -> dict[str, Piece]:
    """Some rows of every other ticker."""
    rng = np.random.default_rng(seed)
    return {
        ticker: Piece(file, np.arange(4), rng.integers(0, 99, 4), rng.normal(size=(4, 6)))
        for ticker in TICKERS[seed % 2 :: 2]
    }


def test_rows_come_back_by_ticker(tmp_path: pathlib.Path) -> None:
    from components.ingest.beam_row_files import read_tickers, write_rows

    parts = [make_pieces(f"{seed}.csv", seed) for seed in range(4)]
    files = collections.defaultdict(list)
    for part in parts:
        list(write_rows(part, NUM_SHARDS, str(tmp_path)))  # A worker that was lost wrote them, too.
        for shard, path in write_rows(part, NUM_SHARDS, str(tmp_path)):
            files[shard].append(path)
    seen = []
    for shard, paths in files.items():
        for ticker, rows in read_tickers(reversed(paths)):
            seen.append(ticker)
            assert shard == shard_of(ticker, NUM_SHARDS)
            own = [part[ticker] for part in parts if ticker in part]
            order = np.argsort(rows.file_index, kind="stable")
            assert rows.files[0] == own[0].file and len(rows) == sum(len(piece.lines) for piece in own)
            np.testing.assert_array_equal(rows.values[order], np.concatenate([piece.values for piece in own]))
            np.testing.assert_array_equal(rows.dates[order], np.concatenate([piece.dates for piece in own]))
    assert sorted(seen) == sorted(TICKERS)


def test_a_part_without_rows_writes_nothing(tmp_path: pathlib.Path) -> None:
    from components.ingest.beam_row_files import read_tickers, write_rows

    assert list(write_rows({}, NUM_SHARDS, str(tmp_path))) == []
    assert list(read_tickers([])) == [] and not any(tmp_path.iterdir())
