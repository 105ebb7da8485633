"""Bars of many tickers as columns: sorted, merged, compared and fingerprinted without loops over rows."""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components import contract
from components.ingest.bars import EPOCH, Booleans, Floats, Integers

NUM_LANES = 2
"""64-bit sums of a fingerprint."""
NO_FINGERPRINT = (0,) * NUM_LANES
"""Of no bars."""
Lanes = tuple[int, ...]

_DAY_BITS = 32
_DAY_OFFSET = 1 << 31
_WORDS = 1 << 64
_LANE_SEEDS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
# Multipliers and shifts of splitmix64. Source: https://prng.di.unimi.it/splitmix64.c
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31


@dataclasses.dataclass(frozen=True)
class BarRows:
    """Bars, sorted by ticker, then day, one a ticker and day.

    Attributes:
      tickers: object [t], sorted, each once; those without a bar are allowed.
      codes: int64 [n], which ticker.
      days: int64 [n], days since 1970-01-01.
      values: float64 [n, len(BAR_COLUMNS)].
    """

    tickers: npt.NDArray[np.object_]
    codes: Integers
    days: Integers
    values: Floats

    def __len__(self) -> int:
        return len(self.days)

    @property
    def keys(self) -> Integers:
        """int64 [n], ascending; the same ticker and day have the same, where the tickers are the same."""
        return (self.codes << _DAY_BITS) + (self.days + _DAY_OFFSET)

    def take(self, rows: Integers | Booleans) -> BarRows:
        """Some of the bars; the tickers without one are dropped."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        return BarRows(self.tickers[used], codes.astype(np.int64), self.days[rows], self.values[rows])

    def years(self) -> Integers:
        """int64 [n], each bar's year."""
        dates = EPOCH + self.days.astype("timedelta64[D]")
        return dates.astype("datetime64[Y]").astype(np.int64) + 1970

    def buckets(self, num_buckets: int) -> Integers:
        """int64 [n], each bar's bucket: the CRC-32 of its ticker's UTF-8, modulo the number of buckets."""
        own = [zlib.crc32(ticker.encode()) % num_buckets for ticker in self.tickers]
        return np.asarray(own, np.int64)[self.codes]

    def fingerprint(self) -> Lanes:
        """Sums of the bars' hashes, modulo 2**64 each; of a union of disjoint bars it is the sum."""
        return tuple(int(_hash(self, seed).sum(dtype=np.uint64)) for seed in _LANE_SEEDS)

    def name(self, row: int) -> str:
        """Ticker and day of a bar."""
        return f"{self.tickers[self.codes[row]]} {EPOCH + np.timedelta64(int(self.days[row]), 'D')}"


def no_rows() -> BarRows:
    """No bars."""
    none = np.zeros(0, np.int64)
    return BarRows(np.zeros(0, object), none, none, np.zeros((0, len(contract.BAR_COLUMNS))))


def merge(parts: Sequence[BarRows]) -> BarRows:
    """The bars of disjoint parts."""
    shared = share_tickers([no_rows(), *parts])
    codes = np.concatenate([part.codes for part in shared])
    days = np.concatenate([part.days for part in shared])
    order = np.lexsort((days, codes))
    values = np.concatenate([part.values for part in shared])
    return BarRows(shared[0].tickers, codes[order], days[order], values[order])


def share_tickers(parts: Sequence[BarRows]) -> list[BarRows]:
    """The same bars under one list of tickers, so that their codes and keys can be compared."""
    tickers = np.array(sorted({ticker for part in parts for ticker in part.tickers}), object)
    code_of = {ticker: code for code, ticker in enumerate(tickers)}
    shared = []
    for part in parts:
        codes = np.array([code_of[ticker] for ticker in part.tickers], np.int64)
        shared.append(dataclasses.replace(part, tickers=tickers, codes=codes[part.codes]))
    return shared


@dataclasses.dataclass(frozen=True)
class Difference:
    """How bars differ from those that are there.

    Attributes:
      absent: bool [n], there is no bar of the ticker and day.
      changed: bool [n], there is another one.
      place: int64 [n], the row of the one that is there; of an absent one any.
    """

    absent: Booleans
    changed: Booleans
    place: Integers


def compare(given: BarRows, there: BarRows) -> Difference:
    """Compares bars, both under the same tickers (see share_tickers), with those that are there."""
    if not len(there):
        absent = np.ones(len(given), bool)
        return Difference(absent, ~absent, np.zeros(len(given), np.int64))
    place = np.minimum(np.searchsorted(there.keys, given.keys), len(there) - 1)
    absent = there.keys[place] != given.keys
    same = (there.values[place] == given.values).all(axis=1)
    return Difference(absent, ~absent & ~same, place)


def add_fingerprints(parts: Sequence[Lanes]) -> Lanes:
    """The fingerprint of disjoint parts together."""
    return tuple(sum(lanes) % _WORDS for lanes in zip(NO_FINGERPRINT, *parts, strict=True))


def to_hex(fingerprint: Lanes) -> str:
    """A fingerprint as 32 hexadecimal digits."""
    return "".join(f"{lane:016x}" for lane in fingerprint)


def from_hex(text: str) -> Lanes:
    """A fingerprint out of its 32 hexadecimal digits."""
    return tuple(int(text[16 * lane : 16 * (lane + 1)], 16) for lane in range(NUM_LANES))


def _hash(rows: BarRows, seed: int) -> npt.NDArray[np.uint64]:
    """uint64 [n], a hash of each bar."""
    digests = [hashlib.sha256(ticker.encode()).digest()[:8] for ticker in rows.tickers]
    tickers = np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
    state = _mix((tickers ^ np.uint64(seed))[rows.codes] if len(rows) else np.zeros(0, np.uint64))
    state = _mix(state ^ rows.days.astype(np.uint64))
    # No bar holds a negative zero but a volume, which 0.0 makes a plain one.
    words = np.ascontiguousarray(rows.values + 0.0).view(np.uint64)
    for column in range(words.shape[1]):
        state = _mix(state ^ words[:, column])
    return state


def _mix(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spreads each bit of a word over all; a bijection."""
    for shift, factor in _MIX:
        words = (words ^ (words >> np.uint64(shift))) * np.uint64(factor)
    return words ^ (words >> np.uint64(_LAST_SHIFT))
