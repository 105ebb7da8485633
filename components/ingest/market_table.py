"""Sums over tickers by day, and the table of market features that is made of them. Pure numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components import contract
from components.ingest.bars import Integers


@dataclasses.dataclass(frozen=True)
class DaySums:
    """What some tickers contribute to each day; whole numbers, so the order of adding changes no bit.

    Attributes:
      days: int64 [d], days since 1970-01-01, ascending.
      sums: int64 [d, k].
    """

    days: Integers
    sums: Integers

    def merge(self, other: DaySums) -> DaySums:
        """The sums of both groups of tickers; as many days as both have together, however many tickers."""
        if not len(self.days) or not len(other.days):
            return self if len(self.days) else other
        days, positions = np.unique(np.concatenate([self.days, other.days]), return_inverse=True)
        sums = np.zeros((len(days), self.sums.shape[1]), np.int64)
        np.add.at(sums, positions, np.concatenate([self.sums, other.sums]))
        return DaySums(days, sums)


NO_SUMS = DaySums(np.empty(0, np.int64), np.empty((0, 0), np.int64))


@dataclasses.dataclass(frozen=True)
class MarketTable:
    """Market features by day.

    Attributes:
      days: int64 [d], days since 1970-01-01, ascending.
      values: float32 [d, len(contract.MARKET_FEATURES)].
    """

    days: Integers
    values: npt.NDArray[np.float32]

    def look_up(self, days: Integers) -> npt.NDArray[np.float32]:
        """The market of each day, float32 [n, len(contract.MARKET_FEATURES)]; zeros where it has none."""
        found = np.zeros((len(days), len(contract.MARKET_FEATURES)), np.float32)
        if len(self.days):
            positions = np.minimum(np.searchsorted(self.days, days), len(self.days) - 1)
            is_there = self.days[positions] == days
            found[is_there] = self.values[positions[is_there]]
        return found


NO_MARKET = MarketTable(np.empty(0, np.int64), np.empty((0, len(contract.MARKET_FEATURES)), np.float32))
