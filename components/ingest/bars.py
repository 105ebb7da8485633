"""One ticker's bars: what they must be, and the cleaning of one ticker."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import numpy.typing as npt

from components import contract
from components.ingest import exchange_calendar
from components.ingest.findings import POLICIES, QUARANTINE, REFUSE

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

EPOCH = np.datetime64("1970-01-01", "D")
LEAST_HISTORY_DAYS = contract.LOOKBACK + 1
"""The context of one target day, and that day."""


def day_number(date: str) -> int:
    """Returns the days since 1970-01-01 of an ISO date."""
    return int((np.datetime64(date, "D") - EPOCH).astype(np.int64))


def iso_date(day: int) -> str:
    """Returns the ISO date of a number of days since 1970-01-01."""
    return str(EPOCH + np.timedelta64(int(day), "D"))


def tell_apart(one: float, other: float) -> tuple[str, str]:
    """Returns two different numbers as texts: short ones, where these differ, too."""
    short = f"{one:.12g}", f"{other:.12g}"
    return short if short[0] != short[1] else (repr(float(one)), repr(float(other)))


def is_day(text: str) -> bool:
    """Says whether a text is a day of the calendar as YYYY-MM-DD."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except (TypeError, ValueError):
        return False


@dataclasses.dataclass(frozen=True)
class ValidationConfig:
    """What happens to bad rows, check by check: each policy is `refuse` or `quarantine`.

    A quarantined row leaves its ticker's history as if that day had not been a trading day. unadjusted_split
    and short_history concern a whole ticker. Missing columns and unreadable files are always refused;
    unsorted rows are sorted.

    Attributes:
      wrong_type: a number that is none, or no ticker.
      bad_date: a date that is not YYYY-MM-DD.
      bad_price: a price that is zero, negative or not finite.
      bad_volume: a volume that is negative or not finite.
      high_below_low: a high below its low.
      outside_range: an open or close above the high or below the low by more than range_tolerance.
      identical_duplicate: the same bar again; quarantine keeps the first.
      conflicting_duplicate: two different bars of one ticker and day; quarantine keeps neither.
      unadjusted_split: a jump of adj_close that looks like a split (see jumps.find_unadjusted_splits).
      no_session: a bar on a day that is no trading day of `calendar`.
      short_history: fewer than min_history_days bars.
      min_history_days: bars a ticker needs, at least contract.LOOKBACK + 1.
      range_tolerance: share of the price that rounding may put it outside its range.
      accepted_jumps: jumps known to be real, as `TICKER YYYY-MM-DD`.
      calendar: of exchange_calendars, such as XNYS, whose trading days the bars must be on and whose sessions
        without a bar are counted; empty for none.
    """

    wrong_type: str = REFUSE
    bad_date: str = REFUSE
    bad_price: str = REFUSE
    bad_volume: str = REFUSE
    high_below_low: str = REFUSE
    outside_range: str = QUARANTINE
    identical_duplicate: str = QUARANTINE
    conflicting_duplicate: str = REFUSE
    unadjusted_split: str = REFUSE
    no_session: str = QUARANTINE
    short_history: str = QUARANTINE
    min_history_days: int = LEAST_HISTORY_DAYS + max(contract.HORIZONS)
    range_tolerance: float = 0.001
    accepted_jumps: tuple[str, ...] = ()
    calendar: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "accepted_jumps", tuple(self.accepted_jumps))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.default in POLICIES and value not in POLICIES:
                raise ValueError(
                    f"validation.{field.name} must be one of {', '.join(POLICIES)}, got {value!r}; choose one"
                )
        if self.min_history_days < LEAST_HISTORY_DAYS:
            raise ValueError(
                f"validation.min_history_days must be at least {LEAST_HISTORY_DAYS}, got "
                f"{self.min_history_days}; a forecast looks at {contract.LOOKBACK} bars"
            )
        if not 0.0 <= self.range_tolerance < 1.0:
            raise ValueError(
                f"validation.range_tolerance must be in [0, 1), got {self.range_tolerance}; 0.001 is a "
                "tenth of a percent"
            )
        if self.calendar:
            exchange_calendar.check_name(self.calendar)


@dataclasses.dataclass(frozen=True)
class Piece:
    """Rows of one ticker in one file that are sound one by one, in the file's order.

    Attributes:
      file: the file.
      lines: int64 [n].
      dates: int64 [n], days since 1970-01-01.
      values: float64 [n, len(BAR_COLUMNS)].
    """

    file: str
    lines: Integers
    dates: Integers
    values: Floats


@dataclasses.dataclass(frozen=True)
class TickerBars:
    """One ticker's bars, oldest first, one a day.

    Attributes:
      ticker: its name.
      sector: its sector, or contract.UNKNOWN_SECTOR.
      dates: int64 [n], days since 1970-01-01, ascending.
      open, high, low, close, adj_close, volume: float64 [n].
    """

    ticker: str
    sector: str
    dates: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    adj_close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.dates)

    def slice(self, start: int, stop: int) -> TickerBars:
        """Returns the bars start .. stop - 1."""
        columns = {name: getattr(self, name)[start:stop] for name in contract.BAR_COLUMNS}
        return TickerBars(self.ticker, self.sector, self.dates[start:stop], **columns)
