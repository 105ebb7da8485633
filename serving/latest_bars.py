"""The latest bars of some tickers out of a source, under the checks of the pipeline."""

from __future__ import annotations

import collections
import dataclasses
import difflib
from collections.abc import Sequence

import numpy as np

from components import contract
from components.errors import InputError
from components.ingest.bars import EPOCH, LEAST_HISTORY_DAYS, Piece, TickerBars, ValidationConfig, iso_date
from components.ingest.findings import Finding, raise_refused
from components.ingest.history import clean_ticker
from components.ingest.parts import list_parts, read_rows
from components.ingest.reference import ReferenceData, read_reference
from components.ingest.rows import check_rows
from components.ingest.source_config import SourceConfig
from serving.bars import Columns

MAX_NAMES = 3
"""Tickers that a refusal names as the ones that may have been meant."""


def read_latest_bars(
    source: SourceConfig, validation: ValidationConfig, tickers: Sequence[str], last_day: int | None = None
) -> dict[str, Columns]:
    """Reads and cleans the bars of some tickers; rows of other tickers are passed over.

    Args:
      source: where the bars are.
      validation: the policies; its min_history_days does not matter here.
      tickers: whose bars.
      last_day: days since 1970-01-01; later bars are ignored. None keeps all.
    Returns:
      Ticker -> the columns that serving.bars.take_latest_bars wants, in the order of `tickers`.
    Raises:
      InputError: a ticker is unknown, has too few bars, or has bars that a policy refuses.
    """
    validation = dataclasses.replace(validation, min_history_days=LEAST_HISTORY_DAYS)
    pieces, findings, names = _read_pieces(source, validation, tickers, last_day)
    raise_refused(findings)
    for ticker in tickers:
        if ticker not in names:
            raise InputError(
                f"a ticker must be one of {source.place}, got {ticker!r}; {_suggest(ticker, names)}"
            )
        if ticker not in pieces:
            until = "" if last_day is None else f" until {iso_date(last_day)}"
            raise InputError(
                f"bars of {ticker} must be at least {LEAST_HISTORY_DAYS}{until}, got none; use a later day, "
                "or give a longer history"
            )
    reference = read_reference(source, validation, last_day)
    return {ticker: _clean(ticker, pieces[ticker], validation, reference) for ticker in tickers}


def _read_pieces(
    source: SourceConfig, validation: ValidationConfig, tickers: Sequence[str], last_day: int | None
) -> tuple[dict[str, list[Piece]], list[Finding], set[str]]:
    """Sound rows of each ticker, what else was found, and the names of all tickers."""
    pieces: dict[str, list[Piece]] = collections.defaultdict(list)
    findings: list[Finding] = []
    names: set[str] = set()
    for part in list_parts(source):
        rows = read_rows(part, source)
        row_tickers = rows[contract.TICKER].astype(str).str.strip().to_numpy(object)
        names.update(row_tickers)
        own, found = check_rows(rows[np.isin(row_tickers, list(tickers))], part.name, validation, last_day)
        findings += found
        for ticker, piece in own.items():
            pieces[ticker].append(piece)
    return pieces, findings, names


def _clean(
    ticker: str, pieces: Sequence[Piece], validation: ValidationConfig, reference: ReferenceData
) -> Columns:
    bars, findings = clean_ticker(ticker, contract.UNKNOWN_SECTOR, pieces, validation, reference)
    raise_refused(findings)
    if bars is None:
        raise InputError("; ".join(message for finding in findings for message in finding.messages))
    return to_columns(bars)


def to_columns(bars: TickerBars, num_bars: int = contract.LOOKBACK) -> Columns:
    """The latest bars of a ticker, as serving.bars.take_latest_bars wants them."""
    latest = bars.slice(max(0, len(bars) - num_bars), len(bars))
    columns = {name: getattr(latest, name) for name in contract.BAR_COLUMNS}
    return {contract.DATE: EPOCH + latest.dates.astype("timedelta64[D]"), **columns}


def _suggest(ticker: str, names: set[str]) -> str:
    """What the user may have meant."""
    by_upper = {name.upper(): name for name in sorted(names)}
    close = difflib.get_close_matches(ticker.upper(), by_upper, n=MAX_NAMES, cutoff=0.5)
    shown = [by_upper[name] for name in close] or sorted(names)[:MAX_NAMES]
    return f"the nearest there: {', '.join(shown)}"
