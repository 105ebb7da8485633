"""Bars as chunk examples: what becomes of a ticker in the Beam graph of beam_examples."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import apache_beam as beam

from components import contract
from components.ingest import beam_examples, examples
from components.ingest.bars import ValidationConfig
from components.ingest.beam_examples import Cleaned, Cuttings, PastFiles, ReadConfig
from components.ingest.chunks import Chunk, ChunkConfig, cut_chunks
from components.ingest.findings import Finding
from components.ingest.market_table import MarketTable
from components.ingest.past import (
    IngestedTicker,
    PastChangedError,
    TickerPast,
    continue_ticker,
    make_rule,
    take_past,
)
from components.ingest.reference import ReferenceData
from components.ingest.report import TickerSummary, read_summary
from components.ingest.sessions import TickerGaps, join_gaps, read_gaps
from components.ingest.source_config import SourceConfig
from components.transform.market_config import ALONE, MarketConfig

PAST_SPLIT = "past"
"""Of the files with what is left of each ticker: no split of the examples, but written as one."""


@dataclasses.dataclass(frozen=True)
class IngestConfig:
    """All that an ingest depends on besides the files.

    Attributes:
      source: where they are.
      validation: what happens to bad rows.
      chunks: how bars are cut and split.
      num_shards: files of each split, at least 1; one file is written by one worker.
      market: whether the examples tell the market of each day.
      past: what an earlier ingest has left: only the test split is written. None reads everything.
      keeps_past: leave what is before the test split for later ingests, in a folder PAST_SPLIT.
    """

    source: SourceConfig
    validation: ValidationConfig
    chunks: ChunkConfig
    num_shards: int = 1
    market: MarketConfig = ALONE
    past: PastFiles | None = None
    keeps_past: bool = False

    @property
    def reading(self) -> ReadConfig:
        """What is read, without how it is cut."""
        last_day = self.chunks.last_day
        return ReadConfig(self.source, self.validation, last_day, self.num_shards, self.market, self.past)

    @property
    def written_splits(self) -> tuple[str, ...]:
        """Splits of chunks that are cut anew."""
        return (contract.TEST_SPLIT,) if self.past else contract.SPLITS

    def __post_init__(self) -> None:
        _ = self.reading  # Checks num_shards.


def write_chunks(pipeline: beam.Pipeline, config: IngestConfig, folder: str) -> None:
    """Adds the whole way from files to example files and notes.

    Args:
      pipeline: to add to.
      config: what to read and how to cut it.
      folder: gets a folder of example files for each split, and the notes.
    """
    splits = (*config.written_splits, *((PAST_SPLIT,) if config.keeps_past else ()))
    cut = functools.partial(_cut, config)
    beam_examples.write_examples(pipeline, config.reading, cut, splits, folder)


def read_notes(folder: str) -> tuple[list[Finding], list[TickerSummary]]:
    """Reads the notes that write_chunks has left in `folder`.

    Raises:
      PastChangedError: what an earlier ingest has left does not hold any more.
    """
    findings, others = beam_examples.read_notes(folder)
    for fields in others.get(ChangedPast.__name__, ()):
        raise PastChangedError(fields["ticker"])
    gaps = {fields["ticker"]: read_gaps(fields) for fields in others.get(TickerGaps.__name__, ())}
    summaries = []
    for fields in others.get(TickerSummary.__name__, ()):
        summary = read_summary(fields)
        own = gaps.get(summary.ticker)
        if summary.gaps and own:  # Of a settled ticker, up to the bar with which the others begin.
            own = join_gaps(summary.gaps, own)
        summaries.append(dataclasses.replace(summary, gaps=own))
    return findings, summaries


@dataclasses.dataclass(frozen=True)
class ChangedPast:
    """Note that a ticker's newer rows make something else of its past."""

    ticker: str


def _cut(
    config: IngestConfig, cleaned: Cleaned, market: MarketTable | None, reference: ReferenceData
) -> Cuttings:
    chunks = [] if cleaned.bars is None else cut_chunks(cleaned.bars, config.chunks)
    try:
        summary = continue_ticker(cleaned.past, cleaned.bars, chunks)
    except PastChangedError:
        return (), [ChangedPast(cleaned.ticker)]
    records = [
        (chunk.split, examples.encode_chunk(chunk, market))
        for chunk in chunks
        if chunk.split in config.written_splits
    ]
    if config.keeps_past and (past := _take_past(config, cleaned, chunks, reference)):
        records.append((PAST_SPLIT, past.to_bytes()))
    return records, [summary] if summary else []


def _take_past(
    config: IngestConfig, cleaned: Cleaned, chunks: Sequence[Chunk], reference: ReferenceData
) -> TickerPast | None:
    made = IngestedTicker(cleaned.ticker, cleaned.rows, cleaned.bars, chunks, not cleaned.findings)
    return take_past(made, make_rule(config.chunks.test_day, config.validation, reference.sessions))
