"""What the latest bars must be, told by the first bar that is not so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components import contract
from components.errors import InputError

Floats = npt.NDArray[np.float32]
Days = npt.NDArray[np.datetime64]


def check_lengths(tickers: Sequence[str], rows: Mapping[str, Sequence[Any]]) -> None:
    """Refuses columns that are no lists, differ in length or are too short.

    Args:
      tickers: their names.
      rows: of each column an array of each ticker; None in place of contract.DATE where days are unknown.
    Raises:
      InputError: names the first such ticker and column.
    """
    expected = [values.shape for values in rows[contract.CLOSE]]
    for name, arrays in rows.items():
        # Days may be unknown, and are then as many as there are closes.
        shapes = [
            of_close if values is None else values.shape
            for values, of_close in zip(arrays, expected, strict=True)
        ]
        if shapes != expected or set(map(len, shapes)) != {1}:
            _refuse_shapes(tickers, name, shapes, expected)
    for ticker, (length, *_) in zip(tickers, expected, strict=True):
        if length < contract.LOOKBACK:
            raise InputError(
                f"bars of {ticker} must be at least {contract.LOOKBACK}, got {length}; give a longer history"
            )


def _refuse_shapes(
    tickers: Sequence[str], name: str, shapes: Sequence[tuple[int, ...]], expected: Sequence[tuple[int, ...]]
) -> None:
    for ticker, shape, of_close in zip(tickers, shapes, expected, strict=True):
        if len(shape) != 1 or shape != of_close:
            raise InputError(
                f"bars of {ticker}: each column must be one list as long as {contract.CLOSE} "
                f"{list(of_close)}, got {list(shape)} of {name}; give each bar all of its values"
            )


def check_days(tickers: Sequence[str], days: Days) -> None:
    """Refuses days that repeat or run backwards.

    Args:
      tickers: their names.
      days: datetime64[D] [tickers, LOOKBACK]; NaT where unknown.
    Raises:
      InputError: names the first such day.
    """
    backwards = days[:, 1:] <= days[:, :-1]  # False of NaT.
    if backwards.any():
        index, row = np.argwhere(backwards)[0]
        before, after = days[index, row : row + 2]
        raise InputError(
            f"bars of {tickers[index]} must be one a day, oldest first, got {after} after {before}; "
            "sort them and take repeated days out"
        )


def check_values(tickers: Sequence[str], days: Days, columns: Mapping[str, Floats]) -> None:
    """Refuses what the model would refuse, and a high below its low.

    Args:
      tickers: their names.
      days: datetime64[D] [tickers, LOOKBACK]; NaT where unknown.
      columns: each of contract.BAR_COLUMNS, float32 [tickers, LOOKBACK].
    Raises:
      InputError: names the first such bar.
    """
    for name, values in columns.items():
        is_price = name != contract.VOLUME
        lowest, highest = values.min(), values.max()  # Not-a-number, where there is one.
        if (lowest > 0.0 if is_price else lowest >= 0.0) and highest < np.inf:
            continue
        sound = np.isfinite(values) & (values > 0.0 if is_price else values >= 0.0)
        rule = f"{name} must be {'positive' if is_price else 'zero or more'} and finite"
        _refuse_bar(tickers, days, rule, sound, values)
    high, low = columns[contract.HIGH], columns[contract.LOW]
    if not (sound := high >= low).all():
        _refuse_bar(tickers, days, f"{contract.HIGH} must be at least {contract.LOW}", sound, high)


def _refuse_bar(
    tickers: Sequence[str], days: Days, rule: str, sound: npt.NDArray[np.bool_], values: Floats
) -> None:
    """Raises over the first bar that is not sound; the arrays are [tickers, LOOKBACK]."""
    index, row = np.argwhere(~sound)[0]
    day = days[index, row]
    place = f"the bar {sound.shape[1] - row} from the end" if np.isnat(day) else str(day)
    raise InputError(f"bars of {tickers[index]}: {rule}, got {values[index, row]:g} at {place}; mend the bar")
