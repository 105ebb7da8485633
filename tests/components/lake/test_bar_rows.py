"""Columns of bars: order, comparison, and the fingerprint that knows no files."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import struct
import zlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.lake import bar_rows
from components.lake.bar_rows import compare, merge, no_rows, share_tickers
from components.lake.reading import decode_bars, encode_bars
from components.lake.revising import split_rows
from tests.components.lake.lakes import make_bars, make_rows

DAYS = ["1969-12-30", "1999-12-31", "2000-01-03", "2024-02-29"]
BARS = make_bars(["A", "BRK.B", "Ä"], DAYS)


def test_parts_in_any_order_make_the_whole() -> None:
    rows = make_rows(BARS)
    chance = np.random.default_rng(3)
    parts = np.array_split(chance.permutation(len(rows)), 4)
    merged = merge([rows.take(np.sort(part)) for part in parts])
    assert merged.tickers.tolist() == rows.tickers.tolist()
    for name in ("codes", "days", "values"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(rows, name))
    assert merged.fingerprint() == rows.fingerprint()
    sums = bar_rows.add_fingerprints([rows.take(np.sort(part)).fingerprint() for part in parts])
    assert sums == rows.fingerprint()
    assert bar_rows.from_hex(bar_rows.to_hex(sums)) == sums


def test_each_part_of_a_bar_is_in_the_fingerprint() -> None:
    rows = make_rows(BARS)
    seen = {rows.fingerprint(), no_rows().fingerprint()}
    for column in range(rows.values.shape[1]):
        values = rows.values.copy()
        values[5, column] = np.nextafter(values[5, column], np.inf)
        seen.add(dataclasses.replace(rows, values=values).fingerprint())
    swapped = rows.values.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    seen.add(dataclasses.replace(rows, values=swapped).fingerprint())
    seen.add(dataclasses.replace(rows, days=rows.days + 1).fingerprint())
    seen.add(dataclasses.replace(rows, tickers=np.array(["A", "BRK.A", "Ä"], object)).fingerprint())
    assert len(seen) == rows.values.shape[1] + 5
    assert no_rows().fingerprint() == bar_rows.NO_FINGERPRINT


def test_the_fingerprint_is_the_same_in_every_version() -> None:
    """It is kept in lakes: another formula would need another version of the contract."""
    rows = make_rows({("A", "2024-01-02"): 10.0})
    assert bar_rows.to_hex(rows.fingerprint()) == "34897c3c0bbca86ca73e88ad943b9b49"


def test_the_fingerprint_against_plain_numbers() -> None:
    rows = make_rows(BARS)
    slow = [0, 0]
    for lane, seed in enumerate((0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)):
        for row in range(len(rows)):
            ticker = rows.tickers[rows.codes[row]].encode()
            state = mix(int.from_bytes(hashlib.sha256(ticker).digest()[:8], "little") ^ seed)
            state = mix(state ^ int(rows.days[row]) % 2**64)
            for value in rows.values[row]:
                state = mix(state ^ struct.unpack("<Q", struct.pack("<d", value))[0])
            slow[lane] = (slow[lane] + state) % 2**64
    assert rows.fingerprint() == tuple(slow)


def mix(word: int) -> int:
    """The last steps of splitmix64."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def test_negative_zero_is_zero() -> None:
    rows = make_rows({("A", "2024-01-02"): 10.0})
    values = rows.values.copy()
    values[0, -1] = 0.0
    zero = dataclasses.replace(rows, values=values)
    assert dataclasses.replace(rows, values=values * [1, 1, 1, 1, 1, -1]).fingerprint() == zero.fingerprint()


def test_comparison() -> None:
    there = make_rows({("A", "2024-01-02"): 1.0, ("A", "2024-01-03"): 2.0, ("C", "2024-01-02"): 3.0})
    given = make_rows({("A", "2024-01-01"): 1.0, ("A", "2024-01-03"): 2.0, ("B", "2024-01-02"): 3.0,
                       ("C", "2024-01-02"): 4.0, ("D", "2024-01-02"): 5.0})  # fmt: skip
    difference = compare(*share_tickers([given, there]))
    assert difference.absent.tolist() == [True, False, True, False, True]
    assert difference.changed.tolist() == [False, False, False, True, False]
    assert difference.place[[1, 3]].tolist() == [1, 2]
    assert compare(*share_tickers([given, no_rows()])).absent.all()


def test_partitions_are_by_year_and_hash_of_the_ticker() -> None:
    rows = make_rows(BARS)
    parts = split_rows(rows, 4)
    for partition, part in parts.items():
        for row in range(len(part)):
            ticker, day = part.name(row).split()
            bucket = zlib.crc32(ticker.encode()) % 4
            assert partition == f"year={day[:4]}/bucket={bucket:02d}"
    assert merge(list(parts.values())).fingerprint() == rows.fingerprint()
    assert sum(map(len, parts.values())) == len(rows)


@pytest.mark.parametrize("bars", [BARS, {("Z", "2024-01-02"): 1.25}], ids=["many", "one"])
def test_a_file_gives_back_what_it_was_given(bars: dict[tuple[str, str], float]) -> None:
    rows = make_rows(bars)
    table = pq.ParquetFile(io.BytesIO(encode_bars(rows))).read(use_threads=False)
    back = decode_bars(table)
    assert back.tickers.tolist() == rows.tickers.tolist()
    for name in ("codes", "days", "values"):
        np.testing.assert_array_equal(getattr(back, name), getattr(rows, name))
    assert [str(day) for day in table["date"].to_pylist()] == [day for _, day in sorted(bars)]
