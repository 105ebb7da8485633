"""Reads a whole source in this process: all tickers' clean bars."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping

from components import contract
from components.errors import InputError
from components.ingest.bars import Piece, TickerBars, ValidationConfig
from components.ingest.findings import Finding, raise_refused, unreadable
from components.ingest.history import clean_ticker
from components.ingest.parts import Part, list_parts, read_rows, read_sectors
from components.ingest.reference import read_reference
from components.ingest.rows import check_rows
from components.ingest.sessions import TickerGaps, find_gaps
from components.ingest.source_config import SourceConfig


@dataclasses.dataclass(frozen=True)
class Panel:
    """Clean bars of a source.

    Attributes:
      bars: ticker -> its bars, in the order of their names.
      findings: what was set aside on the way.
      gaps: ticker -> its missing sessions; empty where no calendar is configured.
    """

    bars: Mapping[str, TickerBars]
    findings: tuple[Finding, ...]
    gaps: Mapping[str, TickerGaps]


def read_pieces(
    part: Part, source: SourceConfig, validation: ValidationConfig, last_day: int | None
) -> tuple[dict[str, Piece], list[Finding]]:
    """Reads and checks one part's rows; a part that cannot be read is a finding, too."""
    try:
        rows = read_rows(part, source)
    except InputError as error:
        return {}, [unreadable(part.name, error)]
    return check_rows(rows, part.name, validation, last_day)


def read_panel(source: SourceConfig, validation: ValidationConfig, last_day: int | None = None) -> Panel:
    """Reads, checks and cleans all bars of a source; what the Beam pipeline does, without Beam.

    Args:
      source: where the bars are.
      validation: the policies.
      last_day: days since 1970-01-01; later bars are ignored. None keeps all.
    Raises:
      InputError: a policy refuses.
    """
    sectors = read_sectors(source)
    reference = read_reference(source, validation, last_day)
    pieces: dict[str, list[Piece]] = collections.defaultdict(list)
    findings: list[Finding] = []
    for part in list_parts(source):
        own, found = read_pieces(part, source, validation, last_day)
        findings += found
        for ticker, piece in own.items():
            pieces[ticker].append(piece)
    bars: dict[str, TickerBars] = {}
    gaps: dict[str, TickerGaps] = {}
    for ticker in sorted(pieces):
        sector = sectors.get(ticker, contract.UNKNOWN_SECTOR)
        clean, found = clean_ticker(ticker, sector, pieces[ticker], validation, reference)
        findings += found
        if clean is not None:
            bars[ticker] = clean
            if reference.sessions is not None:
                gaps[ticker] = find_gaps(ticker, clean.dates, reference.sessions)
    raise_refused(findings)
    return Panel(bars, tuple(findings), gaps)
