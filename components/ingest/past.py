"""One ticker's bars before a day: what an ingest leaves for a later one, so that it need not read them again.

A ticker is settled where an ingest found its bars sound and had nothing to set aside: of it the last bars are
left, as context, and the counts. Of any other all rows are left, for newer ones may change what it is.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from components import contract
from components.ingest.bars import Integers, Piece, TickerBars, ValidationConfig
from components.ingest.chunks import Chunk
from components.ingest.report import SplitSummary, TickerSummary, summarise_ticker
from components.ingest.sessions import Sessions, find_gaps, read_gaps

_META = "meta"


@dataclasses.dataclass(frozen=True)
class TickerPast:
    """What is left of a ticker.

    Attributes:
      ticker: its name.
      pieces: rows before the day; of a settled ticker the last ones.
      num_chunks: what it had given to the splits before the day.
      settled: counts of all its bars before the day; None where it is not settled.
    """

    ticker: str
    pieces: tuple[Piece, ...]
    num_chunks: int
    settled: TickerSummary | None

    def to_bytes(self) -> bytes:
        """Returns what from_bytes reads."""
        meta = {
            "ticker": self.ticker,
            "files": [piece.file for piece in self.pieces],
            "num_chunks": self.num_chunks,
            "settled": dataclasses.asdict(self.settled) if self.settled else None,
        }
        arrays = {
            f"{name}{index}": getattr(piece, name)
            for index, piece in enumerate(self.pieces)
            for name in ("lines", "dates", "values")
        }
        stream = io.BytesIO()
        np.savez(stream, **{_META: np.array(json.dumps(meta))}, **arrays)
        return stream.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> TickerPast:
        """Returns what to_bytes wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            meta = json.loads(str(arrays[_META]))
            pieces = tuple(
                Piece(file, *(arrays[f"{name}{index}"] for name in ("lines", "dates", "values")))
                for index, file in enumerate(meta["files"])
            )
        settled = _read_summary(meta["settled"]) if meta["settled"] else None
        return TickerPast(meta["ticker"], pieces, meta["num_chunks"], settled)


@dataclasses.dataclass(frozen=True)
class IngestedTicker:
    """What an ingest has made of a ticker.

    Attributes:
      ticker: its name.
      pieces: all its rows that are sound one by one.
      bars: clean ones; None where it is set aside.
      chunks: what was cut of them.
      is_clean: nothing was found in its rows together.
    """

    ticker: str
    pieces: Sequence[Piece]
    bars: TickerBars | None
    chunks: Sequence[Chunk]
    is_clean: bool


@dataclasses.dataclass(frozen=True)
class PastRule:
    """What is left of a ticker.

    Attributes:
      day: days since 1970-01-01; the test split begins there, and rows before it are left.
      num_context: bars that are left of a settled ticker.
      sessions: trading days; None where no calendar is configured.
    """

    day: int
    num_context: int
    sessions: Sessions | None


def make_rule(day: int, validation: ValidationConfig, sessions: Sessions | None) -> PastRule:
    """Of a settled ticker enough is left for a target day, and for its length to be judged."""
    return PastRule(day, max(contract.LOOKBACK, validation.min_history_days), sessions)


def take_past(made: IngestedTicker, rule: PastRule) -> TickerPast | None:
    """Takes what a later ingest needs of a ticker's rows before a day; None where it has none."""
    before = _drop_empty(_rows_before(piece, rule.day) for piece in made.pieces)
    if not before:
        return None
    own = [chunk for chunk in made.chunks if chunk.split != contract.TEST_SPLIT]
    bars = made.bars
    first_left = 0 if bars is None else int(np.searchsorted(bars.dates, rule.day)) - rule.num_context
    if bars is None or not made.is_clean or first_left < 0:
        return TickerPast(made.ticker, before, len(own), None)
    left = _drop_empty(rows_from(piece, int(bars.dates[first_left])) for piece in before)
    counted = summarise_ticker(bars.slice(0, first_left + 1), own)
    gaps = None
    if rule.sessions is not None:
        gaps = find_gaps(made.ticker, bars.dates[: first_left + 1], rule.sessions)
    return TickerPast(made.ticker, left, len(own), dataclasses.replace(counted, gaps=gaps))


def continue_ticker(
    past: TickerPast | None, bars: TickerBars | None, chunks: Sequence[Chunk]
) -> TickerSummary | None:
    """Counts a ticker whose newer rows were cleaned and cut together with its past.

    Args:
      past: what an earlier ingest has left of it; None where it had no row then.
      bars: clean bars, those of the past among them; None where the ticker is set aside.
      chunks: what was cut of them.
    Returns:
      Its summary, with the gaps up to the first bar that is left if it is settled; None where it is set
      aside.
    Raises:
      PastChangedError: the ticker is not any more what it was, and so are its chunks before the day.
    """
    if past is None:
        return None if bars is None else summarise_ticker(bars, chunks)
    if past.settled is None:
        _check_same(past, sum(chunk.split != contract.TEST_SPLIT for chunk in chunks))
        return None if bars is None else summarise_ticker(bars, chunks)
    if bars is None:
        raise PastChangedError(past.ticker)
    own = summarise_ticker(bars, [chunk for chunk in chunks if chunk.split == contract.TEST_SPLIT])
    before = past.settled
    return dataclasses.replace(
        own,
        num_bars=before.num_bars - 1 + own.num_bars,  # The first bar that is left is counted in both.
        first_day=before.first_day,
        gaps=before.gaps,
        splits={**before.splits, contract.TEST_SPLIT: own.splits[contract.TEST_SPLIT]},
    )


class PastChangedError(Exception):
    """Newer rows make of a ticker's past something else: all bars must be read anew."""


def _check_same(past: TickerPast, num_chunks: int) -> None:
    if num_chunks != past.num_chunks:
        raise PastChangedError(past.ticker)


def _drop_empty(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if len(piece.dates))


def _rows_before(piece: Piece, day: int) -> Piece:
    return _take(piece, np.flatnonzero(piece.dates < day))


def rows_from(piece: Piece, day: int) -> Piece:
    """Returns the rows on and after a day."""
    return _take(piece, np.flatnonzero(piece.dates >= day))


def _take(piece: Piece, rows: Integers) -> Piece:
    return Piece(piece.file, piece.lines[rows], piece.dates[rows], piece.values[rows])


def _read_summary(fields: dict[str, Any]) -> TickerSummary:
    splits = {split: SplitSummary(**counts) for split, counts in fields["splits"].items()}
    gaps = read_gaps(fields["gaps"]) if fields["gaps"] else None
    return TickerSummary(**{**fields, "splits": splits, "gaps": gaps})
