"""What a client sends: the latest bars of each ticker, checked before they leave."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components import contract
from components.errors import InputError

Floats = npt.NDArray[np.float32]
Days = npt.NDArray[np.datetime64]
Columns = Mapping[str, Any]
"""Bar columns, each [time], oldest first; DATE and ADJ_CLOSE may be missing."""
NO_DAY = np.datetime64("NaT", "D")


@dataclasses.dataclass(frozen=True)
class LatestBars:
    """The latest contract.LOOKBACK bars of each ticker.

    Attributes:
      tickers: their names.
      as_of: datetime64[D] [tickers], the day of the last bar; NaT where the bars came without dates.
      columns: each of contract.BAR_COLUMNS, float32 [tickers, LOOKBACK], oldest first.
    """

    tickers: tuple[str, ...]
    as_of: Days
    columns: Mapping[str, Floats]


def take_latest_bars(bars: Any) -> LatestBars:
    """Takes the latest bars of each ticker and checks them.

    Args:
      bars: a DataFrame in long format (contract.TICKER, DATE and the bar columns, in any order of rows), or
        a mapping of each ticker to its columns, oldest first. Without ADJ_CLOSE, CLOSE counts as adjusted.
    Raises:
      InputError: a column is missing, a value is no number or no price, days repeat or run backwards,
        or there are too few bars.
    """
    by_ticker = dict(_split_frame(bars) if hasattr(bars, "columns") else _split_mapping(bars))
    if not by_ticker:
        raise InputError("bars must be of at least one ticker, got none; give the latest bars of each ticker")
    taken = [_take_latest(ticker, columns) for ticker, columns in by_ticker.items()]
    columns = {name: np.stack([latest[name] for _, latest in taken]) for name in contract.BAR_COLUMNS}
    latest = LatestBars(
        tuple(by_ticker),
        np.array([NO_DAY if days is None else days[-1] for days, _ in taken], "datetime64[D]"),
        columns,
    )
    _check_values(latest, [days for days, _ in taken])
    return latest


def _split_frame(frame: Any) -> Iterator[tuple[str, Columns]]:
    """Each ticker of a long table with its columns, in order of date."""
    for name in (contract.TICKER, contract.DATE):
        if name not in frame.columns:
            raise InputError(
                f"bars must have the column {name}, got {', '.join(map(str, frame.columns))}; add it"
            )
    names, codes = np.unique(np.asarray(frame[contract.TICKER]).astype(str), return_inverse=True)
    days = _parse_days("bars", frame[contract.DATE])
    order = np.lexsort((days, codes))
    borders = np.searchsorted(codes[order], np.arange(len(names) + 1))
    columns = {name: np.asarray(frame[name]) for name in contract.BAR_COLUMNS if name in frame.columns}
    columns[contract.DATE] = days
    for index, ticker in enumerate(names):
        rows = order[borders[index] : borders[index + 1]]
        yield str(ticker), {name: column[rows] for name, column in columns.items()}


def _split_mapping(bars: Any) -> Iterator[tuple[str, Columns]]:
    if not isinstance(bars, Mapping) or not all(isinstance(columns, Mapping) for columns in bars.values()):
        raise InputError(
            f"bars must be a DataFrame or a mapping of ticker to columns, got {type(bars).__name__}; "
            "see serving.bars.take_latest_bars"
        )
    yield from bars.items()


def _take_latest(ticker: str, columns: Columns) -> tuple[Days | None, dict[str, Floats]]:
    """Days, where there are any, and the latest bars of one ticker; values are not looked at yet."""
    if not isinstance(ticker, str) or not ticker:
        raise InputError(f"a ticker must be a name, got {ticker!r}; give text that is not empty")
    if contract.ADJ_CLOSE not in columns and contract.CLOSE in columns:
        columns = {**columns, contract.ADJ_CLOSE: columns[contract.CLOSE]}
    if missing := [name for name in contract.BAR_COLUMNS if name not in columns]:
        raise InputError(
            f"bars of {ticker} must have the column {missing[0]}, got {', '.join(columns)}; add it"
        )
    arrays = {name: np.asarray(columns[name]) for name in contract.BAR_COLUMNS}
    days = None
    if contract.DATE in columns:
        days = _parse_days(f"bars of {ticker}", columns[contract.DATE])
    _check_lengths(ticker, arrays, days)
    if days is not None:
        days = days[-contract.LOOKBACK :]
        _check_days(ticker, days)
    return days, {
        name: _to_floats(ticker, name, array[-contract.LOOKBACK :]) for name, array in arrays.items()
    }


def _parse_days(of: str, dates: Any) -> Days:
    """Dates as datetime64[D]; text, datetime.date and anything that NumPy takes for a date."""
    array = np.asarray(dates)
    try:
        if array.dtype.kind not in "MOUS":
            raise ValueError(f"{array.dtype}")
        days = array.astype("datetime64[D]")
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{of}: {contract.DATE} must be a day as YYYY-MM-DD, got {error}; mend it"
        ) from error
    if np.isnat(days).any():
        raise InputError(f"{of}: {contract.DATE} must be a day in each row, got none; fill it")
    return days


def _check_lengths(ticker: str, arrays: Mapping[str, npt.NDArray[Any]], days: Days | None) -> None:
    shapes = {name: array.shape for name, array in arrays.items()}
    if days is not None:
        shapes[contract.DATE] = days.shape
    expected = shapes[contract.CLOSE]
    for name, shape in shapes.items():
        if len(shape) != 1 or shape != expected:
            raise InputError(
                f"bars of {ticker}: each column must be one list as long as {contract.CLOSE} "
                f"{list(expected)}, got {list(shape)} of {name}; give each bar all of its values"
            )
    if expected[0] < contract.LOOKBACK:
        raise InputError(
            f"bars of {ticker} must be at least {contract.LOOKBACK}, got {expected[0]}; give a longer history"
        )


def _check_days(ticker: str, days: Days) -> None:
    backwards = np.flatnonzero(np.diff(days) <= np.timedelta64(0, "D"))
    if backwards.size:
        before, after = days[backwards[0] : backwards[0] + 2]
        raise InputError(
            f"bars of {ticker} must be one a day, oldest first, got {after} after {before}; "
            "sort them and take repeated days out"
        )


def _to_floats(ticker: str, name: str, array: npt.NDArray[Any]) -> Floats:
    try:
        with np.errstate(over="ignore"):  # Beyond float32 is infinite, and then refused.
            return np.asarray(array, np.float64).astype(np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"bars of {ticker}: {name} must hold numbers, got {error}; mend it") from error


def _check_values(bars: LatestBars, days: Sequence[Days | None]) -> None:
    """Refuses what the model would refuse, and a high below its low, naming the first such bar."""
    for name, values in bars.columns.items():
        is_price = name != contract.VOLUME
        sound = np.isfinite(values) & (values > 0.0 if is_price else values >= 0.0)
        rule = f"{name} must be {'positive' if is_price else 'zero or more'} and finite"
        _check_bars(bars.tickers, days, rule, sound, values)
    high, low = bars.columns[contract.HIGH], bars.columns[contract.LOW]
    rule = f"{contract.HIGH} must be at least {contract.LOW}"
    _check_bars(bars.tickers, days, rule, high >= low, high)


def _check_bars(
    tickers: Sequence[str],
    days: Sequence[Days | None],
    rule: str,
    sound: npt.NDArray[np.bool_],
    values: Floats,
) -> None:
    """Raises over the first bar that is not sound; `sound` and `values` are [tickers, LOOKBACK]."""
    if sound.all():
        return
    index, row = np.argwhere(~sound)[0]
    own_days = days[index]
    place = f"the bar {sound.shape[1] - row} from the end" if own_days is None else str(own_days[row])
    raise InputError(f"bars of {tickers[index]}: {rule}, got {values[index, row]:g} at {place}; mend the bar")
