"""The Beam graph from bars to example files: parts -> files of rows by shard -> tickers -> files of examples.

Memory holds a part or a shard, whatever the number of tickers, and no more on a runner that keeps in memory
what it groups. Where market features are wanted, each shard is read twice: all tickers' sums by day go beside
the shards to where they are cut.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from tfx.dsl.io import fileio

from components import contract
from components.ingest import beam_market
from components.ingest.bars import TickerBars, ValidationConfig
from components.ingest.beam_row_files import read_tickers, write_rows
from components.ingest.findings import Finding
from components.ingest.history import clean_rows
from components.ingest.market_table import MarketTable
from components.ingest.panel import read_pieces
from components.ingest.parts import Part, list_parts, read_sectors
from components.ingest.past import TickerPast, rows_from
from components.ingest.reference import ReferenceData, read_reference
from components.ingest.row_blocks import RowBlock
from components.ingest.sessions import find_gaps
from components.ingest.shards import shard_path
from components.ingest.source_config import SourceConfig
from components.ingest.tfrecords import open_writers, read_records
from components.transform.market_config import ALONE, MarketConfig

NOTES_FILE = "notes.json"
"""Findings, and what `cut` had to tell: what the workers tell the process that started them."""

_NOTES = "notes"
Shard = tuple[int, Iterable[str]]
"""A shard's index and its files of rows; empty names stand for no file, and see that all shards are there."""
Note = tuple[str, dict[str, Any]]
"""Class name and fields of a dataclass."""
Cuttings = tuple[Sequence[tuple[str, bytes]], Sequence[Any]]
"""Split and serialized example, in the order in which they shall stand in a file, and dataclasses to note."""


class Cleaned(NamedTuple):
    """One ticker, read and checked.

    Attributes:
      ticker: its name.
      bars: None where it is set aside.
      findings: what was found in its rows together.
      rows: those that are sound one by one, the past's among them.
      past: what an earlier ingest has left of it; None where there is nothing.
    """

    ticker: str
    bars: TickerBars | None
    findings: Sequence[Finding]
    rows: RowBlock
    past: TickerPast | None = None


Cut = Callable[[Cleaned, MarketTable | None, ReferenceData], Cuttings]
"""A ticker, the market of each day (None where it is not wanted) -> what becomes of the ticker."""


@dataclasses.dataclass(frozen=True)
class PastFiles:
    """What an earlier ingest of the same source has left.

    Attributes:
      day: days since 1970-01-01; it left what was before.
      files: for each shard a gzipped TFRecord file with a TickerPast in each record.
      parts: what has rows from the day on.
    """

    day: int
    files: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclasses.dataclass(frozen=True)
class ReadConfig:
    """What is read, and into how many files it goes.

    Attributes:
      source: where the bars are.
      validation: what happens to bad rows.
      last_day: days since 1970-01-01; later bars are ignored. None keeps all.
      num_shards: files of each split, at least 1; one file is written by one worker.
      market: whether those who cut are given the market of each day.
      past: what need not be read again; None reads everything.
    """

    source: SourceConfig
    validation: ValidationConfig
    last_day: int | None = None
    num_shards: int = 1
    market: MarketConfig = ALONE
    past: PastFiles | None = None

    def __post_init__(self) -> None:
        if self.num_shards < 1:
            raise ValueError(f"num_shards must be at least 1, got {self.num_shards}; 1 suits most data")


@dataclasses.dataclass(frozen=True)
class _ShardJob:
    """What a worker goes by that makes a shard's examples of its rows; see write_examples."""

    config: ReadConfig
    sectors: Mapping[str, str]
    reference: ReferenceData
    cut: Cut
    splits: Sequence[str]
    folder: str


def write_examples(
    pipeline: beam.Pipeline, config: ReadConfig, cut: Cut, splits: Sequence[str], folder: str
) -> None:
    """Adds the whole way from the source to example files and notes.

    Args:
      pipeline: to add to.
      config: what to read.
      cut: what becomes of a ticker; runs in the workers.
      splits: all that `cut` may name; each gets its files, even where they are empty.
      folder: gets a folder of example files for each split, NOTES_FILE and files of rows, which nobody needs
        once the pipeline has ended; all workers see it.
    """
    reference = read_reference(config.source, config.validation, config.last_day)
    parts = config.past.parts if config.past else list_parts(config.source)
    job = _ShardJob(config, read_sectors(config.source), reference, cut, splits, folder)
    read = (
        pipeline
        | "Parts" >> beam.Create(parts)
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.FlatMap(_read_part, config, folder).with_outputs(_NOTES, main="files")
    )
    every_shard = pipeline | "Shards" >> beam.Create([(shard, "") for shard in range(config.num_shards)])
    shards = (read.files, every_shard) | "WithEveryShard" >> beam.Flatten() | "ByShard" >> beam.GroupByKey()
    market = None
    if config.market.enabled:
        market = beam_market.add_market(shards | "Sound" >> beam.FlatMap(_take_sound, job), config.market)
    notes = shards | "WriteShard" >> beam.FlatMap(_write_shard, job, market)
    _ = (
        (read[_NOTES], notes)
        | "AllNotes" >> beam.Flatten()
        | "CollectNotes" >> beam.combiners.ToList()
        | "WriteNotes" >> beam.Map(_write_notes, folder=folder)
    )


def read_notes(folder: str) -> tuple[list[Finding], dict[str, list[dict[str, Any]]]]:
    """Reads what write_examples has left in `folder`: findings, and the fields of other notes by class."""
    with fileio.open(os.path.join(folder, NOTES_FILE), "r") as stream:
        notes: list[Note] = json.loads(stream.read())
    findings: list[Finding] = []
    others: dict[str, list[dict[str, Any]]] = {}
    for name, fields in notes:
        if name == Finding.__name__:
            sequences = {key: tuple(fields[key]) for key in ("lines", "messages")}
            findings.append(Finding(**{**fields, **sequences}))
        else:
            others.setdefault(name, []).append(fields)
    return findings, others


def _note(value: Any) -> Note:
    return type(value).__name__, dataclasses.asdict(value)


def _read_part(
    part: Part, config: ReadConfig, folder: str
) -> Iterator[tuple[int, str] | beam.pvalue.TaggedOutput]:
    pieces, findings = read_pieces(part, config.source, config.validation, config.last_day)
    if config.past:
        pieces = {ticker: rows_from(piece, config.past.day) for ticker, piece in pieces.items()}
    yield from write_rows({t: p for t, p in pieces.items() if len(p.dates)}, config.num_shards, folder)
    for finding in findings:
        yield beam.pvalue.TaggedOutput(_NOTES, _note(finding))


def _clean_shard(shard: Shard, job: _ShardJob) -> Iterator[Cleaned]:
    index, paths = shard
    past = _read_past(job.config.past, index)
    for ticker, rows in read_tickers(filter(None, paths), [own.rows for own in past.values()]):
        sector = job.sectors.get(ticker, contract.UNKNOWN_SECTOR)
        bars, findings = clean_rows(ticker, sector, rows, job.config.validation, job.reference)
        yield Cleaned(ticker, bars, findings, rows, past.get(ticker))


def _read_past(past: PastFiles | None, shard: int) -> dict[str, TickerPast]:
    if past is None:
        return {}
    with fileio.open(past.files[shard], "rb") as stream:
        found = map(TickerPast.from_bytes, read_records(stream))
        return {own.ticker: own for own in found}


def _take_sound(shard: Shard, job: _ShardJob) -> Iterator[TickerBars]:
    return (cleaned.bars for cleaned in _clean_shard(shard, job) if cleaned.bars is not None)


def _write_shard(shard: Shard, job: _ShardJob, market: MarketTable | None) -> Iterator[Note]:
    """Writes a file of each split, ticker by ticker."""
    num_shards = job.config.num_shards
    paths = {split: os.path.join(job.folder, shard_path(split, shard[0], num_shards)) for split in job.splits}
    with open_writers(paths, _create) as writers:
        for cleaned in _clean_shard(shard, job):
            examples, notes = job.cut(cleaned, market, job.reference)
            for split, example in examples:
                writers[split].write(example)
            yield from map(_note, [*cleaned.findings, *notes])
            if cleaned.bars is not None and job.reference.sessions is not None:
                yield _note(find_gaps(cleaned.ticker, cleaned.bars.dates, job.reference.sessions))


def _create(path: str) -> Any:
    fileio.makedirs(os.path.dirname(path))
    return fileio.open(path, "wb")


def _write_notes(notes: list[Note], folder: str) -> None:
    fileio.makedirs(folder)
    with fileio.open(os.path.join(folder, NOTES_FILE), "w") as stream:
        stream.write(json.dumps(notes))
