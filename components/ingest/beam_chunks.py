"""Bars as chunk examples: what becomes of a ticker in the Beam graph of beam_examples."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import apache_beam as beam

from components import contract
from components.ingest import beam_examples, examples
from components.ingest.bars import TickerBars, ValidationConfig
from components.ingest.beam_examples import ReadConfig
from components.ingest.chunks import ChunkConfig, cut_chunks
from components.ingest.findings import Finding
from components.ingest.market_table import MarketTable
from components.ingest.report import SplitSummary, TickerSummary, summarise_ticker
from components.ingest.sessions import Gap, TickerGaps
from components.ingest.source_config import SourceConfig
from components.transform.market_config import ALONE, MarketConfig


@dataclasses.dataclass(frozen=True)
class IngestConfig:
    """All that an ingest depends on besides the files.

    Attributes:
      source: where they are.
      validation: what happens to bad rows.
      chunks: how bars are cut and split.
      num_shards: files of each split, at least 1; one file is written by one worker.
      market: whether the examples tell the market of each day.
    """

    source: SourceConfig
    validation: ValidationConfig
    chunks: ChunkConfig
    num_shards: int = 1
    market: MarketConfig = ALONE

    @property
    def reading(self) -> ReadConfig:
        """What is read, without how it is cut."""
        return ReadConfig(self.source, self.validation, self.chunks.last_day, self.num_shards, self.market)

    def __post_init__(self) -> None:
        _ = self.reading  # Checks num_shards.


def write_chunks(pipeline: beam.Pipeline, config: IngestConfig, folder: str) -> None:
    """Adds the whole way from files to example files and notes.

    Args:
      pipeline: to add to.
      config: what to read and how to cut it.
      folder: gets a folder of example files for each split, and the notes.
    """
    cut = functools.partial(_cut, config.chunks)
    beam_examples.write_examples(pipeline, config.reading, cut, contract.SPLITS, folder)


def read_notes(folder: str) -> tuple[list[Finding], list[TickerSummary]]:
    """Reads the notes that write_chunks has left in `folder`."""
    findings, others = beam_examples.read_notes(folder)
    gaps = {fields["ticker"]: _read_gaps(fields) for fields in others.get(TickerGaps.__name__, ())}
    summaries = []
    for fields in others.get(TickerSummary.__name__, ()):
        splits = {split: SplitSummary(**counts) for split, counts in fields.pop("splits").items()}
        summaries.append(TickerSummary(**{**fields, "splits": splits, "gaps": gaps.get(fields["ticker"])}))
    return findings, summaries


def _read_gaps(fields: dict[str, Any]) -> TickerGaps:
    longest = fields["longest"]
    return TickerGaps(**{**fields, "longest": Gap(**longest) if longest else None})


def _cut(
    config: ChunkConfig,
    _ticker: str,
    bars: TickerBars | None,
    _findings: Sequence[Finding],
    market: MarketTable | None,
) -> tuple[Sequence[tuple[str, bytes]], Sequence[TickerSummary]]:
    if bars is None:
        return (), ()
    chunks = cut_chunks(bars, config)
    return [(chunk.split, examples.encode_chunk(chunk, market)) for chunk in chunks], [
        summarise_ticker(bars, chunks)
    ]
