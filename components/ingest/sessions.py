"""An exchange's trading days beside a ticker's bars: what is no session, and which sessions are missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from components.ingest.bars import Booleans, Integers, iso_date


@dataclasses.dataclass(frozen=True)
class Sessions:
    """The trading days of one exchange.

    Attributes:
      calendar: its name.
      days: int64 [n], days since 1970-01-01, ascending; nothing is known before the first and after the last.
    """

    calendar: str
    days: Integers

    def covers(self, dates: Integers) -> bool:
        """Says whether the calendar reaches over all of the dates."""
        return bool(len(dates) == 0 or (self.days[0] <= dates.min() and dates.max() <= self.days[-1]))

    def describe(self) -> str:
        """Its name and the days between which it is known."""
        return f"{self.calendar}, {iso_date(self.days[0])} to {iso_date(self.days[-1])}"


@dataclasses.dataclass(frozen=True)
class Gap:
    """Sessions in a row without a bar: how many, the first and the last (days since 1970-01-01)."""

    num_sessions: int
    first_day: int
    last_day: int


@dataclasses.dataclass(frozen=True)
class TickerGaps:
    """What is missing between a ticker's first and last bar; holidays are no sessions, so never missing.

    Attributes:
      ticker: its name.
      num_missing_sessions: sessions without a bar.
      num_gaps: runs of them.
      longest: the longest run, the earliest of several; None where nothing is missing.
    """

    ticker: str
    num_missing_sessions: int
    num_gaps: int
    longest: Gap | None


def read_gaps(fields: Mapping[str, Any]) -> TickerGaps:
    """Returns gaps of their plain values, as dataclasses.asdict gives them."""
    longest = fields["longest"]
    return TickerGaps(**{**fields, "longest": Gap(**longest) if longest else None})


def join_gaps(before: TickerGaps, after: TickerGaps) -> TickerGaps:
    """Adds a ticker's gaps up to a bar and those from it on; of two longest ones the earlier counts."""
    longest = before.longest
    if longest is None or (after.longest is not None and after.longest.num_sessions > longest.num_sessions):
        longest = after.longest
    return TickerGaps(
        before.ticker,
        before.num_missing_sessions + after.num_missing_sessions,
        before.num_gaps + after.num_gaps,
        longest,
    )


def is_session(dates: Integers, sessions: Sessions) -> Booleans:
    """Says of each date whether it is a trading day.

    Args:
      dates: int64 [n], days since 1970-01-01.
      sessions: of the exchange.
    Returns:
      bool [n].
    """
    return np.isin(dates, sessions.days)


def find_gaps(ticker: str, dates: Integers, sessions: Sessions) -> TickerGaps:
    """Finds the sessions between a ticker's first and last bar that have no bar.

    With sessions 1 2 3 6 7 8 9 and bars on 2, 7 and 9: 3 and 6 are a gap of two, 8 is one of one, 1 is none.

    Args:
      ticker: its name.
      dates: int64 [n], ascending, n at least 1.
      sessions: of the exchange; they cover the dates.
    """
    start, stop = np.searchsorted(sessions.days, [dates[0], dates[-1]])
    expected = sessions.days[start:stop]
    missing = np.flatnonzero(~np.isin(expected, dates))
    if not len(missing):
        return TickerGaps(ticker, 0, 0, None)
    runs = np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1)
    longest = max(runs, key=len)
    gap = Gap(len(longest), int(expected[longest[0]]), int(expected[longest[-1]]))
    return TickerGaps(ticker, len(missing), len(runs), gap)
