"""Makes one ticker's history of its rows in all files, and checks it as a whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from components import contract
from components.errors import InputError
from components.ingest import jumps
from components.ingest.actions import adjust
from components.ingest.bars import (
    Booleans,
    Floats,
    Integers,
    Piece,
    TickerBars,
    ValidationConfig,
    iso_date,
    tell_apart,
)
from components.ingest.findings import (
    IMPOSSIBLE_ACTION,
    MAX_MESSAGES,
    OUTSIDE_CALENDAR,
    Finding,
    always_refused,
    or_quarantine,
)
from components.ingest.reference import ReferenceData
from components.ingest.row_blocks import RowBlock, join_pieces
from components.ingest.sessions import Sessions, is_session

CHECKS = ("no_session", "identical_duplicate", "conflicting_duplicate", "unadjusted_split", "short_history")
"""Fields of ValidationConfig that are looked at here, in all rows of a ticker together."""


class _Rows:
    """A ticker's rows of all files, sorted by day, then file, then line."""

    def __init__(self, ticker: str, block: RowBlock) -> None:
        self.ticker = ticker
        self.files = block.files
        order = np.lexsort((block.lines, block.file_index, block.dates))
        self.dates: Integers = block.dates[order]
        self.lines: Integers = block.lines[order]
        self.file_index: Integers = block.file_index[order]
        self.values: Floats = block.values[order]

    def keep(self, mask: Booleans) -> None:
        """Drops the rows where the mask is False."""
        self.dates, self.lines = self.dates[mask], self.lines[mask]
        self.file_index, self.values = self.file_index[mask], self.values[mask]

    def all(self) -> Booleans:
        """Returns a mask of every row."""
        return np.ones(len(self.dates), bool)

    def day(self, row: int) -> str:
        """Returns ticker and day of a row."""
        return f"{self.ticker} {iso_date(self.dates[row])}"

    def place(self, row: int) -> str:
        """Returns where a row stands, for a message."""
        return f"{self.files[self.file_index[row]]}, line {self.lines[row]}"

    def column(self, name: str) -> Floats:
        """Returns one bar column, float64 [n]."""
        return self.values[:, contract.BAR_COLUMNS.index(name)]


def clean_ticker(
    ticker: str, sector: str, pieces: Sequence[Piece], config: ValidationConfig, reference: ReferenceData
) -> tuple[TickerBars | None, list[Finding]]:
    """Sorts one ticker's rows, drops days that are none and duplicates, adjusts and checks the history.

    Args:
      ticker: its name.
      sector: its sector.
      pieces: its sound rows of each file, in any order.
      config: the policies.
      reference: corporate actions and trading days.
    Returns:
      The bars, None when the whole ticker is set aside or refused, and what was found.
    """
    return clean_rows(ticker, sector, join_pieces(ticker, pieces), config, reference)


def clean_rows(
    ticker: str, sector: str, block: RowBlock, config: ValidationConfig, reference: ReferenceData
) -> tuple[TickerBars | None, list[Finding]]:
    """Does the same with all rows of the ticker in one block."""
    rows = _Rows(ticker, block)
    rowwise = [*_drop_no_sessions(rows, config, reference.sessions), *_drop_duplicates(rows, config)]
    whole = (
        list(_adjust(rows, reference))
        or list(_check_jumps(rows, config, reference))
        or list(_check_length(rows, config))
    )
    if whole or not len(rows.dates):
        return None, rowwise + whole
    columns = {name: np.ascontiguousarray(rows.column(name)) for name in contract.BAR_COLUMNS}
    return TickerBars(ticker, sector, rows.dates, **columns), rowwise


def _drop_no_sessions(rows: _Rows, config: ValidationConfig, sessions: Sessions | None) -> Iterator[Finding]:
    """Keeps the rows on trading days, where a calendar says which these are."""
    if sessions is None:
        return
    if not sessions.covers(rows.dates):
        first, last = iso_date(rows.dates[0]), iso_date(rows.dates[-1])
        message = (
            f"{rows.place(0)}: bars of {rows.ticker} must lie within the calendar ({sessions.describe()}), "
            f"got {first} to {last}; leave validation.calendar empty, or take the other bars out"
        )
        yield always_refused(OUTSIDE_CALENDAR, rows.files[rows.file_index[0]], message)
        return
    is_none = ~is_session(rows.dates, sessions)

    def describe(row: int) -> str:
        return (
            f"{rows.place(row)}, column date: must be a trading day of {sessions.calendar}, got "
            f"{rows.day(row)}; take the line out"
        )

    reason = f"no_session: the day is no trading day of {sessions.calendar}"
    yield from _find(rows, _Violation("no_session", reason, is_none, is_none, describe), config)
    rows.keep(~is_none)


def merge_pieces(
    ticker: str, pieces: Sequence[Piece], config: ValidationConfig, sessions: Sessions | None
) -> tuple[Integers, Floats, list[Finding]]:
    """Sorts one ticker's rows, drops days that are none and duplicates; the history is not looked at.

    Args:
      ticker: its name.
      pieces: its sound rows of each file, in any order.
      config: the policies.
      sessions: trading days; None where no calendar is configured.
    Returns:
      int64 [n], days since 1970-01-01, ascending; float64 [n, len(BAR_COLUMNS)]; and what was found.
    """
    # Of a day's bars all tickers are so.
    if sessions is None and len(pieces) == 1 and len(pieces[0].dates) == 1:
        return pieces[0].dates, pieces[0].values, []
    rows = _Rows(ticker, join_pieces(ticker, pieces))
    findings = [*_drop_no_sessions(rows, config, sessions), *_drop_duplicates(rows, config)]
    return rows.dates, rows.values, findings


def _drop_duplicates(rows: _Rows, config: ValidationConfig) -> Iterator[Finding]:
    """Keeps the first of identical bars of a day, and none of conflicting ones."""
    is_first = np.diff(rows.dates, prepend=np.iinfo(np.int64).min // 2) != 0
    day = np.cumsum(is_first) - 1
    first = np.flatnonzero(is_first)
    same = (rows.values == rows.values[first[day]]).all(axis=1)
    conflicting = np.bincount(day, ~same)[day] > 0
    identical = ~is_first & ~conflicting

    def describe(row: int) -> str:
        return _duplicate_message(rows, row, first[day[row]])

    for check, aside, counted in (
        ("identical_duplicate", identical, identical),
        ("conflicting_duplicate", conflicting, conflicting & ~is_first),
    ):
        reason = f"{check}: the ticker has another bar on the day"
        yield from _find(rows, _Violation(check, reason, aside, counted, describe), config)
    rows.keep(~identical & ~conflicting)


def _duplicate_message(rows: _Rows, row: int, other: int) -> str:
    differing = [
        f"{name} {' and '.join(tell_apart(rows.column(name)[other], rows.column(name)[row]))}"
        for name in contract.BAR_COLUMNS
        if rows.column(name)[other] != rows.column(name)[row]
    ]
    got = f" with {', '.join(differing)}" if differing else ", the same"
    return (
        f"{rows.place(row)}, columns ticker and date: must be the only bar of {rows.day(row)}, "
        f"got another in {rows.place(other)}{got}; take one of them out"
    )


def _adjust(rows: _Rows, reference: ReferenceData) -> Iterator[Finding]:
    """Makes adj_close of close by the ticker's corporate actions, where there is a table of them."""
    actions = None if reference.actions is None else reference.actions.get(rows.ticker)
    if actions is None:
        return
    try:
        adjusted = adjust(rows.dates, rows.column(contract.CLOSE), actions)
    except InputError as error:
        yield always_refused(IMPOSSIBLE_ACTION, actions.file, str(error))
        return
    rows.values[:, contract.BAR_COLUMNS.index(contract.ADJ_CLOSE)] = adjusted


def _check_jumps(rows: _Rows, config: ValidationConfig, reference: ReferenceData) -> Iterator[Finding]:
    columns = (contract.OPEN, contract.CLOSE, contract.ADJ_CLOSE, contract.VOLUME)
    flagged = np.zeros(len(rows.dates), bool)
    for row in jumps.find_unadjusted_splits(*(rows.column(name) for name in columns)):
        flagged[row] = rows.day(row) not in config.accepted_jumps
    if not flagged.any():
        return
    adj_close = rows.column(contract.ADJ_CLOSE)
    mend = "adjust the bars before it"
    if reference.actions is not None:
        mend = "mend the splits in source.actions_path"

    def describe(row: int) -> str:
        return (
            f"{rows.place(row)}, column adj_close: must be adjusted for splits, got a jump from "
            f"{adj_close[row - 1]:.6g} to {adj_close[row]:.6g} ({rows.day(row)}); {mend}, "
            f"or, if it is real, add '{rows.day(row)}' to validation.accepted_jumps"
        )

    first = rows.day(int(np.flatnonzero(flagged)[0]))
    reason = f"unadjusted_split: what looks like an unadjusted split, {first}"
    yield from _find(rows, _Violation("unadjusted_split", reason, rows.all(), flagged, describe), config)


def _check_length(rows: _Rows, config: ValidationConfig) -> Iterator[Finding]:
    num_bars = len(rows.dates)
    if not 0 < num_bars < config.min_history_days:
        return
    need = f"at least {config.min_history_days} bars of a ticker"

    def describe(row: int) -> str:
        return (
            f"{rows.place(row)}, column ticker: must have {need}, got {num_bars} of {rows.ticker}; add bars, "
            "or take the ticker out"
        )

    reason = f"short_history: must have {need}, got {num_bars} of {rows.ticker}"
    counted = np.arange(num_bars) == 0
    yield from _find(rows, _Violation("short_history", reason, rows.all(), counted, describe), config)


@dataclasses.dataclass(frozen=True)
class _Violation:
    """What a check found in a ticker's n rows.

    Attributes:
      check: field of ValidationConfig.
      reason: for the quarantine file.
      aside: bool [n], rows to set aside.
      counted: bool [n], rows to count and describe as violations.
      describe: row -> message.
    """

    check: str
    reason: str
    aside: Booleans
    counted: Booleans
    describe: Callable[[int], str]


def _find(rows: _Rows, violation: _Violation, config: ValidationConfig) -> Iterator[Finding]:
    """Makes a finding for each file that has rows to set aside."""
    check, policy = violation.check, getattr(config, violation.check)
    for index in np.unique(rows.file_index[violation.aside]):
        own = rows.file_index == index
        lines = np.sort(rows.lines[violation.aside & own])
        shown = np.flatnonzero(violation.counted & own)
        messages = [
            violation.describe(int(row)) + or_quarantine(check, policy) for row in shown[:MAX_MESSAGES]
        ]
        yield Finding(
            check,
            policy,
            rows.files[index],
            tuple(lines.tolist()),
            violation.reason,
            tuple(messages),
            len(shown),
        )
