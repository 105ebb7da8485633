"""The Beam graph from bars to example files: parts -> pieces -> one ticker -> examples -> shards.

Where market features are wanted, all tickers' sums by day go beside the tickers to where they are cut.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from tfx.dsl.io import fileio

from components import contract
from components.ingest import beam_market, examples
from components.ingest.bars import Piece, TickerBars, ValidationConfig
from components.ingest.findings import Finding
from components.ingest.history import clean_ticker
from components.ingest.market_table import MarketTable
from components.ingest.panel import read_pieces
from components.ingest.parts import Part, list_parts, read_sectors
from components.ingest.past import TickerPast, rows_from
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


class Cleaned(NamedTuple):
    """One ticker, read and checked.

    Attributes:
      ticker: its name.
      bars: None where it is set aside.
      findings: what was found in its rows together.
      pieces: its rows that are sound one by one, those of the past among them.
      past: what an earlier ingest has left of it; None where there is nothing.
    """

    ticker: str
    bars: TickerBars | None
    findings: Sequence[Finding]
    pieces: Sequence[Piece]
    past: TickerPast | None = None


Cut = Callable[[Cleaned, MarketTable | None, ReferenceData], Cuttings]
"""A ticker, the market of each day (None where it is not wanted) -> what becomes of the ticker."""


@dataclasses.dataclass(frozen=True)
class PastFiles:
    """What an earlier ingest of the same source has left.

    Attributes:
      day: days since 1970-01-01; it left what was before.
      files: gzipped TFRecord files with a TickerPast in each record.
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
    parts = config.past.parts if config.past else list_parts(config.source)
    read = (
        pipeline
        | "Parts" >> beam.Create(parts)
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.FlatMap(_read_part, config).with_outputs(_NOTES, main="pieces")
    )
    cleaned = (
        _add_past(pipeline, read.pieces, config.past)
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
    for ticker, piece in pieces.items():
        own = rows_from(piece, config.past.day) if config.past else piece
        if len(own.dates):
            yield ticker, own
    yield from map(_note, findings)


def _add_past(
    pipeline: beam.Pipeline, pieces: beam.PCollection[tuple[str, Piece]], past: PastFiles | None
) -> beam.PCollection[tuple[str, Piece | TickerPast]]:
    if past is None:
        return pieces
    kept = (
        pipeline
        | "Past" >> beam.Create(past.files)
        | "ReadPast" >> beam.io.ReadAllFromTFRecord(compression_type=CompressionTypes.GZIP)
        | "Decode" >> beam.Map(_decode_past)
    )
    return (pieces, kept) | "WithPast" >> beam.Flatten()


def _decode_past(record: bytes) -> tuple[str, TickerPast]:
    past = TickerPast.from_bytes(record)
    return past.ticker, past


def _clean_ticker(
    keyed: tuple[str, Iterable[Piece | TickerPast]],
    config: ReadConfig,
    sectors: Mapping[str, str],
    reference: ReferenceData,
) -> Cleaned:
    ticker, values = keyed
    pieces: list[Piece] = []
    past = None
    for value in values:
        if isinstance(value, TickerPast):
            past = value
            pieces += value.pieces
        else:
            pieces.append(value)
    sector = sectors.get(ticker, contract.UNKNOWN_SECTOR)
    bars, findings = clean_ticker(ticker, sector, pieces, config.validation, reference)
    return Cleaned(ticker, bars, findings, pieces, past)


def _take_sound(cleaned: Cleaned) -> Iterator[TickerBars]:
    if cleaned.bars is not None:
        yield cleaned.bars


def _cut_ticker(
    cleaned: Cleaned, num_shards: int, cut: Cut, market: MarketTable | None, reference: ReferenceData
) -> Iterator[tuple[Shard, Record] | beam.pvalue.TaggedOutput]:
    records, notes = cut(cleaned, market, reference)
    shard = shard_of(cleaned.ticker, num_shards)
    for split, record in records:
        yield (split, shard), record
    yield from map(_note, [*cleaned.findings, *notes])
    if cleaned.bars is not None and reference.sessions is not None:
        yield _note(find_gaps(cleaned.ticker, cleaned.bars.dates, reference.sessions))


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
