"""Parses rows of files and checks them one by one; a row is looked at alone."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from components import contract
from components.ingest.bars import EPOCH, Booleans, Floats, Integers, Piece, ValidationConfig
from components.ingest.findings import MAX_MESSAGES, Finding, or_quarantine
from components.ingest.row_blocks import RowBlock, split_by_ticker

_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
"""A day, or its midnight as some exports write it."""
_NO_DAY = np.datetime64("NaT")
_OF_SOUND_ROWS = ("high_below_low", "outside_range")
"""Checks that compare columns: only of rows whose columns are sound one by one."""
_OWN_TEXT = ("date", "categorical")
"""Types of which equal values have the same text, which 1 and True have not."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME = "the name of a ticker, text without control characters or a whole number"
_DAY = "a day as YYYY-MM-DD, of the years 1678 to 2261"
_WRITTEN_NAN = "[+-]?nan"


class _Violation(NamedTuple):
    """Rows whose `column` breaks a check."""

    check: str
    column: str
    mask: Booleans
    expected: str


class RowTable(NamedTuple):
    """Rows of one or more files, unchecked.

    Attributes:
      rows: as sources.read_rows gives them, n; adj_close may be missing and is then close.
      files: their names.
      file_index: int64 [n], into `files`.
    """

    rows: pd.DataFrame
    files: tuple[str, ...]
    file_index: Integers


class ParsedRows(NamedTuple):
    """Rows as numbers.

    Attributes:
      tickers: object [n], text without outer blanks; empty where the value names no ticker.
      days: datetime64[D] [n], NaT where it is no day.
      values: float64 [n, len(BAR_COLUMNS)], NaN where it is no number.
      is_number: bool, same shape; False where the text is no number at all.
    """

    tickers: npt.NDArray[np.object_]
    days: npt.NDArray[np.datetime64]
    values: Floats
    is_number: Booleans


def check_rows(
    rows: pd.DataFrame, file: str, config: ValidationConfig, last_day: int | None = None
) -> tuple[dict[str, Piece], list[Finding]]:
    """Parses and checks one file's rows; see check_block.

    Returns:
      The sound rows, ticker -> Piece, and what was found.
    """
    block, findings = check_block(of_one_file(rows, file), config, last_day)
    pieces = {ticker: Piece(file, own.lines, own.dates, own.values) for ticker, own in split_by_ticker(block)}
    return pieces, findings


def of_one_file(rows: pd.DataFrame, file: str) -> RowTable:
    """Returns the rows with their file."""
    return RowTable(rows, (file,), np.zeros(len(rows), np.int64))


def check_block(
    table: RowTable, config: ValidationConfig, last_day: int | None = None
) -> tuple[RowBlock, list[Finding]]:
    """Parses and checks rows.

    Args:
      table: the rows.
      config: the policies.
      last_day: days since 1970-01-01; later bars are ignored. None keeps all.
    Returns:
      The sound rows, tickers in the order in which they come up, and what was found in each file.
    """
    rows = table.rows
    has_adj_close = contract.ADJ_CLOSE in rows
    if not has_adj_close:
        rows = rows.assign(**{contract.ADJ_CLOSE: rows[contract.CLOSE]})
    if last_day is not None:
        known = ~(parse_days(rows[contract.DATE]) > EPOCH + np.timedelta64(last_day, "D"))
        rows, table = rows[known], table._replace(file_index=table.file_index[known])
    table = table._replace(rows=rows)
    parsed = parse_rows(rows)
    bad = np.zeros(len(rows), bool)
    findings = []
    for violation in _violations(parsed, config):
        if violation.column == contract.ADJ_CLOSE and not has_adj_close:  # It is told of the close.
            continue
        mask = violation.mask
        if violation.check in _OF_SOUND_ROWS:
            mask = mask & ~bad
        for index in np.unique(table.file_index[mask]):
            own = np.flatnonzero(mask & (table.file_index == index))
            findings.append(_finding(violation, own, table, parsed, config))
        bad |= mask
    return _sound(parsed, table, ~bad), findings


def parse_rows(rows: pd.DataFrame) -> ParsedRows:
    """Parses ticker, date and the bar columns of a table, whatever types they have."""
    codes, names = _distinct_names(rows[contract.TICKER])
    tickers = names[codes]
    values = np.empty((len(rows), len(contract.BAR_COLUMNS)))
    is_number = np.empty(values.shape, bool)
    for index, column in enumerate(contract.BAR_COLUMNS):
        values[:, index], is_number[:, index] = parse_numbers(rows[column])
    return ParsedRows(tickers, parse_days(rows[contract.DATE]), values, is_number)


def parse_text(column: pd.Series) -> pd.Series:
    """Returns the values as text without outer blanks, empty where there is none."""
    text: pd.Series = column.astype(object).where(column.notna(), "").astype(str)
    return text.str.strip()


def _distinct_names(column: pd.Series) -> tuple[Integers, npt.NDArray[np.object_]]:
    """Does what _distinct_text does, but text is empty where it names no ticker, as of 600519.0."""
    values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
    is_sound = pd.api.types.is_integer_dtype(values) or pd.api.types.infer_dtype(values) == "string"
    if not is_sound:
        column = pd.Series([value if _is_name(value) else None for value in column], dtype=object)
    codes, texts = _distinct_text(column)
    return codes, np.array(["" if _CONTROL.search(text) else text for text in texts], dtype=object)


def _is_name(value: object) -> bool:
    return isinstance(value, str | int | np.integer) and not isinstance(value, bool)


def _distinct_text(column: pd.Series) -> tuple[Integers, npt.NDArray[np.object_]]:
    """Returns int64 [n], where each text (of parse_text) stands among the distinct texts, and these."""
    kind = pd.api.types.infer_dtype(column)
    if kind == "string":  # To pandas.factorize a text ends at a NUL.
        encoded = pa.array(column, from_pandas=True).dictionary_encode()
        codes, values = encoded.indices.fill_null(-1).to_numpy(), encoded.dictionary.to_pylist()
    else:
        has_own_text = kind in _OWN_TEXT or pd.api.types.is_integer_dtype(column)
        codes, values = pd.factorize(column if has_own_text else parse_text(column))
    texts = [*parse_text(pd.Series(values, dtype=object)), ""]  # The last is what -1 stands for: no value.
    return codes, np.array(texts, dtype=object)


def parse_numbers(column: pd.Series) -> tuple[Floats, Booleans]:
    """Returns float64 [n], NaN where there is no number, and bool [n]: it is a number, or a written NaN."""
    if pd.api.types.is_bool_dtype(column):
        return np.full(len(column), np.nan), np.zeros(len(column), bool)
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), np.ones(len(column), bool)
    text = parse_text(column)
    is_number = pd.to_numeric(text, errors="coerce").notna().to_numpy()
    values = np.full(len(text), np.nan)
    values[is_number] = text[is_number].astype(np.float64)
    return values, is_number | text.str.fullmatch(_WRITTEN_NAN, case=False).to_numpy(bool)


def parse_days(column: pd.Series) -> npt.NDArray[np.datetime64]:
    """Returns datetime64[D] [n], NaT where the value is no day."""
    if pd.api.types.is_datetime64_any_dtype(column):
        moments = column.dt.tz_localize(None)
        return np.where(moments == moments.dt.normalize(), moments, _NO_DAY).astype("datetime64[D]")
    codes, texts = _distinct_text(column)
    matches = (_ISO_DAY.fullmatch(text) for text in texts)
    plain = pd.Series([match[1] if match else None for match in matches], dtype=object)
    days = pd.to_datetime(plain, format="%Y-%m-%d", errors="coerce")
    return days.to_numpy("datetime64[D]")[codes]


def _violations(parsed: ParsedRows, config: ValidationConfig) -> Iterator[_Violation]:
    yield _Violation("wrong_type", contract.TICKER, parsed.tickers == "", _NAME)
    yield _Violation("bad_date", contract.DATE, np.isnat(parsed.days), _DAY)
    column = {name: parsed.values[:, index] for index, name in enumerate(contract.BAR_COLUMNS)}
    for index, name in enumerate(contract.BAR_COLUMNS):
        yield _Violation("wrong_type", name, ~parsed.is_number[:, index], "a number")
    with np.errstate(over="ignore"):
        stored = parsed.values.astype(np.float32)  # As the examples store it: 1e-60 is zero there.
    for index, name in enumerate(contract.PRICE_COLUMNS):
        sound = np.isfinite(stored[:, index]) & (stored[:, index] > 0.0)
        yield _Violation("bad_price", name, parsed.is_number[:, index] & ~sound, "positive and finite")
    volume, is_number = stored[:, -1], parsed.is_number[:, -1]
    sound = np.isfinite(volume) & (volume >= 0.0)
    yield _Violation("bad_volume", contract.VOLUME, is_number & ~sound, "zero or more and finite")
    high, low = column[contract.HIGH], column[contract.LOW]
    yield _Violation("high_below_low", contract.HIGH, high < low, "at least the low")
    room = 1.0 + config.range_tolerance
    for name in (contract.OPEN, contract.CLOSE):
        outside = (column[name] > high * room) | (column[name] * room < low)
        yield _Violation("outside_range", name, outside, "between the low and the high")


def _finding(
    violation: _Violation, where: Integers, table: RowTable, parsed: ParsedRows, config: ValidationConfig
) -> Finding:
    """Makes a finding of some rows of one file."""
    file, policy = table.files[table.file_index[where[0]]], getattr(config, violation.check)
    lines = table.rows.index.to_numpy()[where]
    messages = [
        f"{file}, line {line}, column {violation.column}: must be {violation.expected}, got "
        f"{_shown(table.rows, row, violation)} ({_bar(parsed, row)}); "
        f"mend the line{or_quarantine(violation.check, policy)}"
        for row, line in zip(where[:MAX_MESSAGES].tolist(), lines[:MAX_MESSAGES], strict=True)
    ]
    reason = f"{violation.check}: {violation.column} must be {violation.expected}"
    return Finding(violation.check, policy, file, tuple(lines.tolist()), reason, tuple(messages), len(lines))


def _bar(parsed: ParsedRows, row: int) -> str:
    """Returns as much of ticker and day as is known."""
    day = parsed.days[row]
    return f"{parsed.tickers[row]} {'' if np.isnat(day) else day}".strip() or "of no ticker and day"


def _shown(rows: pd.DataFrame, row: int, violation: _Violation) -> str:
    """Returns the offending value as it stands in the file."""
    value = rows[violation.column].iloc[row]
    shown = f"{value:.12g}" if isinstance(value, float) else repr(value)
    if isinstance(value, datetime.date):  # Or a moment.
        shown = str(value)
    if violation.check == "high_below_low":
        return f"{shown} with low {rows[contract.LOW].iloc[row]}"
    if violation.check == "outside_range":
        return f"{shown} with low {rows[contract.LOW].iloc[row]} and high {rows[contract.HIGH].iloc[row]}"
    return shown


def _sound(parsed: ParsedRows, table: RowTable, sound: Booleans) -> RowBlock:
    rows = np.flatnonzero(sound)
    codes, tickers = pd.factorize(parsed.tickers[rows])
    return RowBlock(
        tickers=tuple(map(str, tickers)),
        ticker_index=codes.astype(np.int64),
        files=table.files,
        file_index=table.file_index[rows],
        lines=table.rows.index.to_numpy(np.int64)[rows],
        dates=(parsed.days[rows] - EPOCH).astype(np.int64),
        values=parsed.values[rows],
    )
