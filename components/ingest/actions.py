"""Corporate actions: splits and dividends in a table of their own, and the closes they adjust."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from components import contract
from components.errors import InputError
from components.ingest import tables
from components.ingest.bars import Booleans, Floats, Integers, iso_date
from components.ingest.rows import parse_days, parse_numbers, parse_text

KIND = "kind"
VALUE = "value"
KNOWN_ON = "known_on"
COLUMNS = (contract.TICKER, contract.DATE, KIND, VALUE)
"""Columns that the table must have; KNOWN_ON may be missing."""
SPLIT = "split"
DIVIDEND = "dividend"
KINDS = (SPLIT, DIVIDEND)


@dataclasses.dataclass(frozen=True)
class Actions:
    """One ticker's corporate actions, by ex-day; the dividends of a day stand before its split.

    Attributes:
      ticker: its name.
      file: the table they stand in.
      lines: int64 [n], of the file.
      days: int64 [n], ex-days in days since 1970-01-01, ascending.
      is_split: bool [n]; the others are dividends.
      values: float64 [n], positive. Of a split, new shares for one old; of a dividend, cash for each share
        held the day before the ex-day, in the currency of close, not adjusted.
    """

    ticker: str
    file: str
    lines: Integers
    days: Integers
    is_split: Booleans
    values: Floats


def read_actions(path: str, as_of: int | None = None) -> dict[str, Actions]:
    """Reads and checks a table of corporate actions.

    Args:
      path: a CSV or Parquet file with the columns ticker, date, kind, value and perhaps known_on.
      as_of: days since 1970-01-01; what became known later is passed over. None keeps all.
    Returns:
      Ticker -> its actions.
    Raises:
      InputError: the file cannot be read, lacks a column or has a bad row.
    """
    table = tables.read_table(path, [VALUE])
    if missing := [name for name in COLUMNS if name not in table]:
        raise InputError(
            f"{path} must have the column {missing[0]}, got {', '.join(map(str, table.columns))}; add it, or "
            "leave source.actions_path empty"
        )
    parsed = _parse(table)
    _refuse_bad_rows(table, parsed, path)
    _refuse_duplicates(parsed, path)
    if as_of is not None:
        parsed = parsed[parsed[KNOWN_ON] <= pd.Timestamp(iso_date(as_of))]
    parsed = parsed.sort_values([contract.DATE, KIND])  # A dividend comes before a split.
    return {
        str(ticker): Actions(
            ticker=str(ticker),
            file=path,
            lines=own.index.to_numpy(np.int64),
            days=own[contract.DATE].to_numpy("datetime64[D]").astype(np.int64),
            is_split=(own[KIND] == SPLIT).to_numpy(bool),
            values=own[VALUE].to_numpy(np.float64),
        )
        for ticker, own in parsed.groupby(contract.TICKER)
    }


def adjust(dates: Integers, close: Floats, actions: Actions) -> Floats:
    """Adjusts one ticker's closes for its actions, backward: the last close stays as it is.

    The bars before a split of v new shares for one old are multiplied by 1 / v, those before the ex-day of a
    dividend of d by 1 - d / p, where p is the close before it. With closes 10, 8, 3.9, a dividend of 2 on the
    second day and a split of 2 on the third:

        10 * (1 - 2 / 10) * 1 / 2 = 4     8 * 1 / 2 = 4     3.9

    An action on a day without a bar counts from the next bar; one after the last bar, or on or before the
    first, changes nothing. A later action multiplies all earlier bars by one factor, so returns between them
    stay.

    Source: Yahoo, What is the adjusted close?, help.yahoo.com, article SLN28256, after the standards of CRSP.

    Args:
      dates: int64 [n], days since 1970-01-01, ascending.
      close: float64 [n], as traded, positive.
      actions: what is known of the ticker.
    Returns:
      Adjusted closes, float64 [n], positive.
    Raises:
      InputError: a dividend is not less than the close before it, or a price leaves the range of float32.
    """
    factors = np.ones(len(close))
    bar, price = 0, np.nan
    for row, first in enumerate(np.searchsorted(dates, actions.days)):
        if not 0 < first < len(close):
            continue
        if first != bar:
            bar, price = first, float(close[first - 1])
        value = float(actions.values[row])
        factor = 1.0 / value if actions.is_split[row] else 1.0 - value / price
        if factor <= 0.0:
            raise InputError(_too_large(actions, row, price))
        factors[bar] *= factor
        price *= factor
    with np.errstate(over="ignore"):
        adjusted = close * np.append(np.cumprod(factors[:0:-1])[::-1], 1.0)
    _refuse_extremes(dates, adjusted, actions)
    return adjusted


def _parse(table: pd.DataFrame) -> pd.DataFrame:
    """The table under the same lines: text, days (NaT where it is none) and numbers (NaN likewise)."""
    days = parse_days(table[contract.DATE])
    known_on = days
    if KNOWN_ON in table:
        is_given = (parse_text(table[KNOWN_ON]) != "").to_numpy()
        known_on = np.where(is_given, parse_days(table[KNOWN_ON]), days)
    columns = {
        contract.TICKER: parse_text(table[contract.TICKER]).to_numpy(object),
        contract.DATE: days.astype("datetime64[ns]"),
        KIND: parse_text(table[KIND]).to_numpy(object),
        VALUE: parse_numbers(table[VALUE])[0],
        KNOWN_ON: known_on.astype("datetime64[ns]"),
    }
    return pd.DataFrame(columns, index=table.index)


def _refuse_bad_rows(table: pd.DataFrame, parsed: pd.DataFrame, path: str) -> None:
    """Raises for the first bad cell, row by row."""
    with np.errstate(over="ignore"):
        stored = parsed[VALUE].to_numpy().astype(np.float32)  # 1e-60 is zero, for a price.
    bad = {
        contract.TICKER: (parsed[contract.TICKER] == "", "the name of a ticker"),
        contract.DATE: (parsed[contract.DATE].isna(), "a day as YYYY-MM-DD"),
        KIND: (~parsed[KIND].isin(KINDS), f"one of {', '.join(KINDS)}"),
        VALUE: (~(np.isfinite(stored) & (stored > 0.0)), "a number, positive and finite"),
        KNOWN_ON: (parsed[KNOWN_ON].isna() & parsed[contract.DATE].notna(), "a day as YYYY-MM-DD, or empty"),
    }
    masks = np.stack([np.asarray(mask, bool) for mask, _ in bad.values()], axis=1)
    rows, columns = np.nonzero(masks)
    if not len(rows):
        return
    column = list(bad)[columns[0]]
    given = table[column].iloc[rows[0]]
    shown = f"{given:.12g}" if isinstance(given, float) else repr(given)
    raise InputError(
        f"{path}, line {table.index[rows[0]]}, column {column}: must be {bad[column][1]}, got {shown}; "
        "mend the line"
    )


def _refuse_duplicates(parsed: pd.DataFrame, path: str) -> None:
    keys = [contract.TICKER, contract.DATE, KIND]
    again = parsed.duplicated(keys).to_numpy()
    if not again.any():
        return
    line = parsed.index[again][0]
    ticker, day, kind = parsed.loc[line, keys]
    first = parsed.index[(parsed[keys] == parsed.loc[line, keys]).all(axis=1)][0]
    raise InputError(
        f"{path}, line {line}: must be the only {kind} of {ticker} {day:%Y-%m-%d}, got another in line "
        f"{first}; take one of them out, or make one of both"
    )


def _too_large(actions: Actions, row: int, price: float) -> str:
    return (
        f"{actions.file}, line {actions.lines[row]}, column {VALUE}: a dividend must be less than the close "
        f"before it, {price:.6g}, got {actions.values[row]:.6g} ({actions.ticker} "
        f"{iso_date(actions.days[row])}); mend the line"
    )


def _refuse_extremes(dates: Integers, adjusted: Floats, actions: Actions) -> None:
    with np.errstate(over="ignore"):
        stored = adjusted.astype(np.float32)  # As the examples store it.
    bad = np.flatnonzero(~np.isfinite(stored) | (stored <= 0.0))
    if len(bad):
        raise InputError(
            f"{actions.file}: the actions of {actions.ticker} must leave positive and finite prices, got "
            f"{adjusted[bad[-1]]:.6g} on {iso_date(dates[bad[-1]])}; mend their values"
        )
