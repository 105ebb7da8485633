"""What a client sends: the latest bars of each ticker, checked before they leave."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components import contract
from components.errors import InputError
from serving.bar_checks import Days, Floats, check_days, check_lengths, check_values

Columns = Mapping[str, Any]
"""Bar columns, each [time], oldest first; DATE and ADJ_CLOSE may be missing."""
Rows = Sequence[Any]
"""One column, an array [time] of each ticker."""
NUMBER_KINDS = frozenset("fiu")
"""Kinds of dtype that need no parsing."""
NO_DAY = np.datetime64("NaT", "D")


@dataclasses.dataclass(frozen=True)
class LatestBars:
    """The latest contract.LOOKBACK bars of each ticker.

    Attributes:
      tickers: their names.
      days: datetime64[D] [tickers, LOOKBACK]; NaT where the bars came without dates.
      columns: each of contract.BAR_COLUMNS, float32 [tickers, LOOKBACK], oldest first.
    """

    tickers: tuple[str, ...]
    days: Days
    columns: Mapping[str, Floats]

    @property
    def as_of(self) -> Days:
        """datetime64[D] [tickers], the day of the last bar; NaT where unknown."""
        last: Days = self.days[:, -1]
        return last

    @property
    def is_universe(self) -> bool:
        """Several tickers, each with its days: a request can tell what was on the same day."""
        return len(self.tickers) > 1 and not bool(np.isnat(self.days).any())

    def slice(self, start: int, stop: int) -> LatestBars:
        """The bars of the tickers start .. stop - 1."""
        columns = {name: column[start:stop] for name, column in self.columns.items()}
        return LatestBars(self.tickers[start:stop], self.days[start:stop], columns)


def take_latest_bars(bars: Any) -> LatestBars:
    """Takes the latest bars of each ticker and checks them; bars before those are not looked at.

    Args:
      bars: a DataFrame in long format (contract.TICKER, DATE and the bar columns, in any order of rows), or
        a mapping of each ticker to its columns, oldest first. Without ADJ_CLOSE, CLOSE counts as adjusted.
    Raises:
      InputError: a column is missing, a value is no number or no price, days repeat or run backwards,
        or there are too few bars.
    """
    tickers, rows = _split_frame(bars) if hasattr(bars, "columns") else _split_mapping(bars)
    check_lengths(tickers, rows)
    # Column by column over all tickers: a loop over tickers would cost more than their forecast.
    days = _stack_days(tickers, rows[contract.DATE])
    columns = {name: _stack_floats(tickers, name, rows[name]) for name in contract.BAR_COLUMNS}
    check_days(tickers, days)
    check_values(tickers, days, columns)
    return LatestBars(tickers, days, columns)


def _split_frame(frame: Any) -> tuple[tuple[str, ...], dict[str, Rows]]:
    """Tickers of a long table, and of each column the latest values of each ticker in order of date."""
    for name in (contract.TICKER, contract.DATE):
        if name not in frame.columns:
            raise _missing("bars", name, frame.columns)
    names = [str(name) for name in np.asarray(frame[contract.TICKER]).tolist()]
    tickers = tuple(sorted(set(names)))
    _check_tickers(tickers)
    number = {ticker: index for index, ticker in enumerate(tickers)}
    codes = np.fromiter(map(number.__getitem__, names), np.int64, len(names))
    days = _parse_days("bars", np.asarray(frame[contract.DATE]))
    order = _sort(codes, days)
    borders = np.searchsorted(codes[order], np.arange(len(tickers) + 1)).tolist()
    latest = [
        order[max(start, stop - contract.LOOKBACK) : stop] for start, stop in itertools.pairwise(borders)
    ]
    columns = {name: _gather({"bars": frame}, name)[0] for name in contract.BAR_COLUMNS}
    columns[contract.DATE] = days
    return tickers, {name: [column[rows] for rows in latest] for name, column in columns.items()}


def _sort(codes: npt.NDArray[np.int64], days: Days) -> npt.NDArray[np.intp]:
    """The order of rows by ticker and day; rows that have it already, as most have, cost little."""
    same = codes[1:] == codes[:-1]
    if ((codes[1:] > codes[:-1]) | (same & (days[1:] >= days[:-1]))).all():
        return np.arange(len(codes))
    return np.lexsort((days, codes))


def _split_mapping(bars: Any) -> tuple[tuple[str, ...], dict[str, Rows]]:
    """Tickers of a mapping, and of each column the arrays of each ticker; None for days unknown."""
    if not isinstance(bars, Mapping) or not all(isinstance(columns, Mapping) for columns in bars.values()):
        raise InputError(
            f"bars must be a DataFrame or a mapping of ticker to columns, got {type(bars).__name__}; "
            "see serving.bars.take_latest_bars"
        )
    _check_tickers(bars)
    labels = {f"bars of {ticker}": columns for ticker, columns in bars.items()}
    rows: dict[str, Rows] = {name: _gather(labels, name) for name in contract.BAR_COLUMNS}
    days = [columns.get(contract.DATE) for columns in bars.values()]
    rows[contract.DATE] = [None if one is None else np.asarray(one) for one in days]
    return tuple(bars), rows


def _check_tickers(tickers: Collection[Any]) -> None:
    if not tickers:
        raise InputError("bars must be of at least one ticker, got none; give the latest bars of each ticker")
    for ticker in tickers:
        if not isinstance(ticker, str) or not ticker:
            raise InputError(f"a ticker must be a name, got {ticker!r}; give text that is not empty")


def _gather(tables: Mapping[str, Any], name: str) -> list[npt.NDArray[Any]]:
    """One column of each table, table by what messages call it."""
    instead = contract.CLOSE if name == contract.ADJ_CLOSE else name
    gathered = []
    for of, table in tables.items():
        if name in table:
            gathered.append(np.asarray(table[name]))
        elif instead in table:
            gathered.append(np.asarray(table[instead]))
        else:
            raise _missing(of, instead, table)
    return gathered


def _missing(of: str, name: str, columns: Iterable[Any]) -> InputError:
    return InputError(f"{of} must have the column {name}, got {', '.join(map(str, columns))}; add it")


def _stack_days(tickers: Sequence[str], rows: Rows) -> Days:
    """The latest days, datetime64[D] [tickers, LOOKBACK]; NaT where a ticker came without."""
    latest: list[Any] = [None if days is None else days[-contract.LOOKBACK :] for days in rows]
    if {"" if days is None else days.dtype.kind for days in latest} == {"M"}:
        stacked = np.concatenate(latest, dtype=NO_DAY.dtype, casting="same_kind").reshape(len(tickers), -1)
        if not np.isnat(stacked).any():
            return stacked
    unknown = np.full(contract.LOOKBACK, NO_DAY)
    own = zip(tickers, latest, strict=True)
    return np.stack([unknown if days is None else _parse_days(f"bars of {name}", days) for name, days in own])


def _parse_days(of: str, dates: npt.NDArray[Any]) -> Days:
    """Dates as datetime64[D]; text, datetime.date and anything that NumPy takes for a date."""
    try:
        if dates.dtype.kind not in "MOUS":
            raise ValueError(f"{dates.dtype}")
        days = dates.astype("datetime64[D]")
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{of}: {contract.DATE} must be a day as YYYY-MM-DD, got {error}; mend it"
        ) from error
    if np.isnat(days).any():
        raise InputError(f"{of}: {contract.DATE} must be a day in each row, got none; fill it")
    return days


def _stack_floats(tickers: Sequence[str], name: str, rows: Rows) -> Floats:
    """The latest values of a column, float32 [tickers, LOOKBACK]."""
    latest = [values[-contract.LOOKBACK :] for values in rows]
    if not {values.dtype.kind for values in latest} <= NUMBER_KINDS:
        latest = [_to_numbers(*own, name) for own in zip(tickers, latest, strict=True)]
    with np.errstate(over="ignore"):  # Beyond float32 is infinite, and then refused.
        return np.concatenate(latest, dtype=np.float32, casting="same_kind").reshape(len(tickers), -1)


def _to_numbers(ticker: str, values: npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"bars of {ticker}: {name} must hold numbers, got {error}; mend it") from error
