"""The Beam graph from bars to example files: files -> pieces -> one ticker -> examples -> shards."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from tfx.dsl.io import fileio

from components import contract
from components.ingest import examples
from components.ingest.bars import Piece, TickerBars, ValidationConfig
from components.ingest.findings import Finding
from components.ingest.history import clean_ticker
from components.ingest.panel import read_pieces
from components.ingest.shards import shard_of, shard_path
from components.ingest.sources import SourceConfig, list_files, read_sectors

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
Cut = Callable[[str, TickerBars | None, Sequence[Finding]], Cuttings]
"""Ticker, its clean bars (None where it is set aside) and what was found -> what becomes of it."""


@dataclasses.dataclass(frozen=True)
class ReadConfig:
    """What is read, and into how many files it goes.

    Attributes:
      source: where the bars are.
      validation: what happens to bad rows.
      last_day: days since 1970-01-01; later bars are ignored. None keeps all.
      num_shards: files of each split, at least 1; one file is written by one worker.
    """

    source: SourceConfig
    validation: ValidationConfig
    last_day: int | None = None
    num_shards: int = 1

    def __post_init__(self) -> None:
        if self.num_shards < 1:
            raise ValueError(f"num_shards must be at least 1, got {self.num_shards}; 1 suits most data")


def write_examples(
    pipeline: beam.Pipeline, config: ReadConfig, cut: Cut, splits: Sequence[str], folder: str
) -> None:
    """Adds the whole way from files to example files and notes.

    Args:
      pipeline: to add to.
      config: what to read.
      cut: what becomes of a ticker; runs in the workers.
      splits: all that `cut` may name; each gets its files, even where they are empty.
      folder: gets a folder of example files for each split, and NOTES_FILE.
    """
    sectors = read_sectors(config.source.metadata_path)
    read = (
        pipeline
        | "Files" >> beam.Create(list_files(config.source.path))
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.FlatMap(_read_file, config).with_outputs(_NOTES, main="pieces")
    )
    made = (
        read.pieces
        | "ByTicker" >> beam.GroupByKey()
        | "Cut" >> beam.FlatMap(_cut_ticker, config, cut, sectors).with_outputs(_NOTES, main="examples")
    )
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


def _read_file(file: str, config: ReadConfig) -> Iterator[tuple[str, Piece] | beam.pvalue.TaggedOutput]:
    pieces, findings = read_pieces(file, config.source, config.validation, config.last_day)
    yield from pieces.items()
    yield from map(_note, findings)


def _cut_ticker(
    keyed: tuple[str, Iterable[Piece]], config: ReadConfig, cut: Cut, sectors: Mapping[str, str]
) -> Iterator[tuple[Shard, Record] | beam.pvalue.TaggedOutput]:
    ticker, pieces = keyed
    sector = sectors.get(ticker, contract.UNKNOWN_SECTOR)
    bars, findings = clean_ticker(ticker, sector, list(pieces), config.validation)
    records, notes = cut(ticker, bars, findings)
    shard = shard_of(ticker, config.num_shards)
    for split, record in records:
        yield (split, shard), record
    yield from map(_note, [*findings, *notes])


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
