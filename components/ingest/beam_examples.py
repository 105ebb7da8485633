"""The Beam graph from bars to example files: parts -> pieces -> one ticker -> examples -> shards.

Where market features are wanted, all tickers' sums by day go beside the tickers to where they are cut.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from tfx.dsl.io import fileio

from components import contract
from components.ingest import beam_market, examples
from components.ingest.bars import Piece, TickerBars, ValidationConfig
from components.ingest.findings import Finding
from components.ingest.history import clean_ticker
from components.ingest.market_table import MarketTable
from components.ingest.panel import read_pieces
from components.ingest.parts import Part, list_parts, read_sectors
from components.ingest.reference import ReferenceData, read_reference
from components.ingest.sessions import find_gaps
from components.ingest.shards import shard_of, shard_path
from components.ingest.source_config import SourceConfig
from components.transform.market_config import ALONE, MarketConfig

NOTES_FILE = "notes.json"
"""Findings, and what `cut` had to tell: what the workers tell the process that started them."""

_NOTES = "notes"
Shard = tuple[str, int]
"""A split, and the index of a file in it."""
Record = tuple[str, int, bytes]
"""Ticker, first day and serialized example; sorts a file."""
Note = tuple[str, dict[str, Any]]
"""Class name and fields of a dataclass."""
Cuttings = tuple[Sequence[tuple[str, Record]], Sequence[Any]]
"""Split and record of each example, and dataclasses to note."""
Cleaned = tuple[str, TickerBars | None, Sequence[Finding]]
"""Ticker, its clean bars (None where it is set aside) and what was found."""
Cut = Callable[[str, TickerBars | None, Sequence[Finding], MarketTable | None], Cuttings]
"""The same and the market of each day (None where it is not wanted) -> what becomes of a ticker."""


@dataclasses.dataclass(frozen=True)
class ReadConfig:
    """What is read, and into how many files it goes.

    Attributes:
      source: where the bars are.
      validation: what happens to bad rows.
      last_day: days since 1970-01-01; later bars are ignored. None keeps all.
      num_shards: files of each split, at least 1; one file is written by one worker.
      market: whether those who cut are given the market of each day.
    """

    source: SourceConfig
    validation: ValidationConfig
    last_day: int | None = None
    num_shards: int = 1
    market: MarketConfig = ALONE

    def __post_init__(self) -> None:
        if self.num_shards < 1:
            raise ValueError(f"num_shards must be at least 1, got {self.num_shards}; 1 suits most data")


def write_examples(
    pipeline: beam.Pipeline, config: ReadConfig, cut: Cut, splits: Sequence[str], folder: str
) -> None:
    """Adds the whole way from the source to example files and notes.

    Args:
      pipeline: to add to.
      config: what to read.
      cut: what becomes of a ticker; runs in the workers.
      splits: all that `cut` may name; each gets its files, even where they are empty.
      folder: gets a folder of example files for each split, and NOTES_FILE.
    """
    sectors = read_sectors(config.source)
    reference = read_reference(config.source, config.validation, config.last_day)
    read = (
        pipeline
        | "Parts" >> beam.Create(list_parts(config.source))
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.FlatMap(_read_part, config).with_outputs(_NOTES, main="pieces")
    )
    cleaned = (
        read.pieces
        | "ByTicker" >> beam.GroupByKey()
        | "Clean" >> beam.Map(_clean_ticker, config, sectors, reference)
    )
    market = None
    if config.market.enabled:
        market = beam_market.add_market(cleaned | "Sound" >> beam.FlatMap(_take_sound), config.market)
    made = cleaned | "Cut" >> beam.FlatMap(
        _cut_ticker, config.num_shards, cut, market, reference
    ).with_outputs(_NOTES, main="examples")
    shards = [(split, index) for split in splits for index in range(config.num_shards)]
    every_shard = pipeline | "Shards" >> beam.Create([(shard, None) for shard in shards])
    _ = (
        (made.examples, every_shard)
        | "WithEveryShard" >> beam.Flatten()
        | "ByShard" >> beam.GroupByKey()
        | "WriteShard" >> beam.Map(_write_shard, num_shards=config.num_shards, folder=folder)
    )
    _ = (
        (read[_NOTES], made[_NOTES])
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


def _note(value: Any) -> beam.pvalue.TaggedOutput:
    return beam.pvalue.TaggedOutput(_NOTES, (type(value).__name__, dataclasses.asdict(value)))


def _read_part(part: Part, config: ReadConfig) -> Iterator[tuple[str, Piece] | beam.pvalue.TaggedOutput]:
    pieces, findings = read_pieces(part, config.source, config.validation, config.last_day)
    yield from pieces.items()
    yield from map(_note, findings)


def _clean_ticker(
    keyed: tuple[str, Iterable[Piece]],
    config: ReadConfig,
    sectors: Mapping[str, str],
    reference: ReferenceData,
) -> Cleaned:
    ticker, pieces = keyed
    sector = sectors.get(ticker, contract.UNKNOWN_SECTOR)
    return ticker, *clean_ticker(ticker, sector, list(pieces), config.validation, reference)


def _take_sound(cleaned: Cleaned) -> Iterator[TickerBars]:
    _, bars, _ = cleaned
    if bars is not None:
        yield bars


def _cut_ticker(
    cleaned: Cleaned, num_shards: int, cut: Cut, market: MarketTable | None, reference: ReferenceData
) -> Iterator[tuple[Shard, Record] | beam.pvalue.TaggedOutput]:
    ticker, bars, findings = cleaned
    records, notes = cut(ticker, bars, findings, market)
    shard = shard_of(ticker, num_shards)
    for split, record in records:
        yield (split, shard), record
    yield from map(_note, [*findings, *notes])
    if bars is not None and reference.sessions is not None:
        yield _note(find_gaps(ticker, bars.dates, reference.sessions))


def _write_shard(keyed: tuple[Shard, Iterable[Record | None]], num_shards: int, folder: str) -> None:
    (split, index), records = keyed
    path = os.path.join(folder, shard_path(split, index, num_shards))
    fileio.makedirs(os.path.dirname(path))
    ordered = sorted(record for record in records if record is not None)
    with fileio.open(path, "wb") as stream:
        examples.write_to_stream(stream, (example for _, _, example in ordered))


def _write_notes(notes: list[Note], folder: str) -> None:
    fileio.makedirs(folder)
    with fileio.open(os.path.join(folder, NOTES_FILE), "w") as stream:
        stream.write(json.dumps(notes))
