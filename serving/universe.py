"""The latest bars of every ticker of a source, for a forecast of all of them."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping

import numpy as np

from components import contract, progress
from components.errors import InputError
from components.infer.universe_report import describe_skipped
from components.ingest.bars import LEAST_HISTORY_DAYS, Piece, TickerBars, ValidationConfig, iso_date
from components.ingest.findings import Finding, raise_refused
from components.ingest.history import clean_ticker
from components.ingest.parts import list_parts, read_rows
from components.ingest.reference import ReferenceData, read_reference
from components.ingest.rows import check_rows
from components.ingest.source_config import SourceConfig
from serving.bars import Columns
from serving.latest_bars import to_columns

SPARE_BARS = contract.LOOKBACK
"""Rows of a ticker's file kept beside the wanted ones, which may turn out to be bad."""


@dataclasses.dataclass(frozen=True)
class Universe:
    """Bars by ticker, in the order of their names, and the tickers without a forecast.

    Attributes:
      bars: ticker -> the columns that serving.bars.take_latest_bars wants.
      skipped: ticker -> why.
    """

    bars: Mapping[str, Columns]
    skipped: Mapping[str, str]


def read_universe(
    source: SourceConfig,
    validation: ValidationConfig,
    last_day: int | None = None,
    num_bars: int = contract.LOOKBACK,
) -> Universe:
    """Reads, part by part, and keeps the latest bars of each ticker.

    Args:
      source: where the bars are; one file or range of tickers at a time is in memory as a whole.
      validation: the policies: what one refuses ends the forecast, what it quarantines skips the ticker.
      last_day: days since 1970-01-01; later bars are ignored. None keeps all.
      num_bars: of each ticker, at most; a forecast looks at contract.LOOKBACK.
    Raises:
      InputError: a policy refuses, or no ticker is left.
    """
    validation = dataclasses.replace(validation, min_history_days=LEAST_HISTORY_DAYS)
    reference = read_reference(source, validation, last_day)
    pieces, findings, names = _read_pieces(source, validation, last_day, num_bars + SPARE_BARS)
    raise_refused(findings)
    bars: dict[str, Columns] = {}
    skipped: dict[str, str] = {}
    refused: list[Finding] = []
    for number, ticker in enumerate(sorted(names), 1):
        clean, found = _clean(ticker, pieces, validation, reference)
        refused += found
        if clean is not None:
            bars[ticker] = to_columns(clean, num_bars)
        else:
            skipped[ticker] = found[-1].reason if found else _no_bars(last_day)
        progress.report("tickers checked", number, len(names))
    raise_refused(refused)
    if not bars:
        raise InputError(
            f"{source.place} must leave at least one ticker to forecast, got {describe_skipped(skipped)}; "
            "give longer histories"
        )
    return Universe(bars, skipped)


def _read_pieces(
    source: SourceConfig, validation: ValidationConfig, last_day: int | None, num_kept: int
) -> tuple[dict[str, list[Piece]], list[Finding], set[str]]:
    """The newest sound rows of each ticker, what else was found, and the names of all tickers."""
    pieces: dict[str, list[Piece]] = collections.defaultdict(list)
    findings: list[Finding] = []
    names: set[str] = set()
    parts = list_parts(source)
    for number, part in enumerate(parts, 1):
        rows = read_rows(part, source)
        own, found = check_rows(rows, part.name, validation, last_day)
        names.update(name for name in rows[contract.TICKER].astype(str).str.strip().unique() if name)
        findings += found
        for ticker, piece in own.items():
            pieces[ticker] = _keep_newest([*pieces[ticker], _cut(piece, num_kept)], num_kept)
        progress.report("parts read", number, len(parts))
    return pieces, findings, names


def _clean(
    ticker: str, pieces: dict[str, list[Piece]], validation: ValidationConfig, reference: ReferenceData
) -> tuple[TickerBars | None, list[Finding]]:
    if ticker not in pieces:
        return None, []
    return clean_ticker(ticker, contract.UNKNOWN_SECTOR, pieces.pop(ticker), validation, reference)


def _cut(piece: Piece, num_kept: int) -> Piece:
    """The newest rows, copied, so that the file's can be forgotten."""
    newest = np.sort(np.argsort(piece.dates, kind="stable")[-num_kept:])
    return Piece(piece.file, piece.lines[newest], piece.dates[newest], piece.values[newest])


def _keep_newest(pieces: list[Piece], num_kept: int) -> list[Piece]:
    """Drops pieces that lie before as many rows of others."""
    kept: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: piece.dates.max(), reverse=True):
        newer = sum(int((other.dates > piece.dates.max()).sum()) for other in kept)
        if newer < num_kept:
            kept.append(piece)
    return kept


def _no_bars(last_day: int | None) -> str:
    return "no sound bars" if last_day is None else f"no sound bars until {iso_date(last_day)}"
