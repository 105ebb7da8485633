"""One ticker's bars before a day: what an ingest leaves for a later one, so that it need not read them again.

A ticker is settled where an ingest found its bars sound and had nothing to set aside: of it the last bars are
left, as context, and the counts. Of any other all rows are left, for newer ones may change what it is.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Sequence

import numpy as np

from components import contract
from components.ingest.bars import Piece, TickerBars, ValidationConfig
from components.ingest.chunks import Chunk
from components.ingest.report import TickerSummary, read_summary, summarise_ticker
from components.ingest.row_blocks import RowBlock
from components.ingest.sessions import Sessions, find_gaps

_META = "meta"
_ARRAYS = ("file_index", "lines", "dates", "values")
"""Of a RowBlock."""


@dataclasses.dataclass(frozen=True)
class TickerPast:
    """What is left of a ticker.

    Attributes:
      ticker: its name.
      rows: those before the day; of a settled ticker the last ones.
      num_chunks: what it had given to the splits before the day.
      settled: counts of all its bars before the day; None where it is not settled.
    """

    ticker: str
    rows: RowBlock
    num_chunks: int
    settled: TickerSummary | None

    def to_bytes(self) -> bytes:
        """Returns what from_bytes reads."""
        used, file_index = np.unique(self.rows.file_index, return_inverse=True)
        meta = {
            "ticker": self.ticker,
            "files": [self.rows.files[index] for index in used],
            "num_chunks": self.num_chunks,
            "settled": dataclasses.asdict(self.settled) if self.settled else None,
        }
        stream = io.BytesIO()
        arrays = {name: getattr(self.rows, name) for name in _ARRAYS} | {"file_index": file_index}
        np.savez(stream, **{_META: np.array(json.dumps(meta))}, **arrays)
        return stream.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> TickerPast:
        """Returns what to_bytes wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            meta = json.loads(str(arrays[_META]))
            columns = {name: arrays[name] for name in _ARRAYS}
        only = np.zeros(len(columns["lines"]), np.int64)
        rows = RowBlock((meta["ticker"],), only, tuple(meta["files"]), **columns)
        settled = read_summary(meta["settled"]) if meta["settled"] else None
        return TickerPast(meta["ticker"], rows, meta["num_chunks"], settled)


@dataclasses.dataclass(frozen=True)
class IngestedTicker:
    """What an ingest has made of a ticker.

    Attributes:
      ticker: its name.
      rows: all that are sound one by one.
      bars: clean ones; None where it is set aside.
      chunks: what was cut of them.
      is_clean: nothing was found in its rows together.
    """

    ticker: str
    rows: RowBlock
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
    before = made.rows.take(np.flatnonzero(made.rows.dates < rule.day))
    if not len(before):
        return None
    own = [chunk for chunk in made.chunks if chunk.split != contract.TEST_SPLIT]
    bars = made.bars
    first_left = 0 if bars is None else int(np.searchsorted(bars.dates, rule.day)) - rule.num_context
    if bars is None or not made.is_clean or first_left < 0:
        return TickerPast(made.ticker, before, len(own), None)
    left = before.take(np.flatnonzero(before.dates >= bars.dates[first_left]))
    counted = summarise_ticker(bars.slice(0, first_left + 1), own)
    gaps = None
    if rule.sessions is not None:
        gaps = find_gaps(made.ticker, bars.dates[: first_left + 1], rule.sessions)
    return TickerPast(made.ticker, left, len(own), dataclasses.replace(counted, gaps=gaps))


def rows_from(piece: Piece, day: int) -> Piece:
    """Returns the rows on and after a day."""
    own = piece.dates >= day
    return Piece(piece.file, piece.lines[own], piece.dates[own], piece.values[own])


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
    if past is not None and not _holds(past, bars, chunks):
        raise PastChangedError(past.ticker)
    if bars is None:
        return None
    if past is None or past.settled is None:
        return summarise_ticker(bars, chunks)
    before = past.settled
    own = summarise_ticker(bars, [chunk for chunk in chunks if chunk.split == contract.TEST_SPLIT])
    return dataclasses.replace(
        own,
        num_bars=before.num_bars - 1 + own.num_bars,  # The first bar that is left is counted in both.
        first_day=before.first_day,
        gaps=before.gaps,
        splits={**before.splits, contract.TEST_SPLIT: own.splits[contract.TEST_SPLIT]},
    )


class PastChangedError(Exception):
    """Newer rows make of a ticker's past something else: all bars must be read anew."""


def _holds(past: TickerPast, bars: TickerBars | None, chunks: Sequence[Chunk]) -> bool:
    """Whether the chunks before the day would be cut as they were."""
    if past.settled is not None:
        return bars is not None
    return sum(chunk.split != contract.TEST_SPLIT for chunk in chunks) == past.num_chunks
