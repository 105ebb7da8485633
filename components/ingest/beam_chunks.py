"""The Beam graph of ingest: files -> pieces -> one ticker -> chunks -> one file a split and shard."""

from __future__ import annotations

import dataclasses
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping

import apache_beam as beam
from tfx.dsl.io import fileio

from components import contract
from components.ingest import examples
from components.ingest.bars import Piece, ValidationConfig
from components.ingest.chunks import ChunkConfig, cut_chunks
from components.ingest.findings import Finding
from components.ingest.history import clean_ticker
from components.ingest.panel import read_pieces
from components.ingest.report import SplitSummary, TickerSummary, summarise_ticker
from components.ingest.sources import SourceConfig, list_files, read_sectors

SPLIT_FOLDER = "Split-{split}"
SHARD_FILE = "data_tfrecord-{index:05d}-of-{num_shards:05d}.gz"
NOTES_FILE = "notes.json"
"""Findings and ticker summaries: what the workers tell the process that started them."""

_NOTES = "notes"
Shard = tuple[str, int]
"""A split, and the index of a file in it."""
Record = tuple[str, int, bytes]
"""Ticker, first day and serialized example of a chunk; sorts a file."""
Note = tuple[str, dict[str, object]]
"""Class name and fields of a Finding or a TickerSummary."""


@dataclasses.dataclass(frozen=True)
class IngestConfig:
    """All that an ingest depends on besides the files.

    Attributes:
      source: where they are.
      validation: what happens to bad rows.
      chunks: how bars are cut and split.
      num_shards: files of each split, at least 1; one file is written by one worker.
    """

    source: SourceConfig
    validation: ValidationConfig
    chunks: ChunkConfig
    num_shards: int = 1

    def __post_init__(self) -> None:
        if self.num_shards < 1:
            raise ValueError(f"num_shards must be at least 1, got {self.num_shards}; 1 suits most data")


def write_chunks(pipeline: beam.Pipeline, config: IngestConfig, folder: str) -> None:
    """Adds the whole way from files to example files and notes.

    Args:
      pipeline: to add to.
      config: what to read and how to cut it.
      folder: gets a folder of example files for each split, and NOTES_FILE.
    """
    sectors = read_sectors(config.source.metadata_path)
    read = (
        pipeline
        | "Files" >> beam.Create(list_files(config.source.path))
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.FlatMap(_read_file, config).with_outputs(_NOTES, main="pieces")
    )
    cut = (
        read.pieces
        | "ByTicker" >> beam.GroupByKey()
        | "Cut" >> beam.FlatMap(_cut_ticker, config, sectors).with_outputs(_NOTES, main="chunks")
    )
    shards = [(split, index) for split in contract.SPLITS for index in range(config.num_shards)]
    every_shard = pipeline | "Shards" >> beam.Create([(shard, None) for shard in shards])
    _ = (
        (cut.chunks, every_shard)
        | "WithEveryShard" >> beam.Flatten()
        | "ByShard" >> beam.GroupByKey()
        | "WriteShard" >> beam.Map(_write_shard, num_shards=config.num_shards, folder=folder)
    )
    _ = (
        (read[_NOTES], cut[_NOTES])
        | "AllNotes" >> beam.Flatten()
        | "CollectNotes" >> beam.combiners.ToList()
        | "WriteNotes" >> beam.Map(_write_notes, folder=folder)
    )


def read_notes(folder: str) -> tuple[list[Finding], list[TickerSummary]]:
    """Reads the notes that write_chunks has left in `folder`."""
    with fileio.open(os.path.join(folder, NOTES_FILE), "r") as stream:
        notes = json.loads(stream.read())
    findings = [
        Finding(**{**fields, "lines": tuple(fields["lines"]), "messages": tuple(fields["messages"])})
        for name, fields in notes
        if name == Finding.__name__
    ]
    summaries = []
    for name, fields in notes:
        if name == TickerSummary.__name__:
            splits = {split: SplitSummary(**counts) for split, counts in fields.pop("splits").items()}
            summaries.append(TickerSummary(**fields, splits=splits))
    return findings, summaries


def _note(value: Finding | TickerSummary) -> beam.pvalue.TaggedOutput:
    return beam.pvalue.TaggedOutput(_NOTES, (type(value).__name__, dataclasses.asdict(value)))


def _read_file(file: str, config: IngestConfig) -> Iterator[tuple[str, Piece] | beam.pvalue.TaggedOutput]:
    pieces, findings = read_pieces(file, config.source, config.validation, config.chunks.last_day)
    yield from pieces.items()
    yield from map(_note, findings)


def _cut_ticker(
    keyed: tuple[str, Iterable[Piece]], config: IngestConfig, sectors: Mapping[str, str]
) -> Iterator[tuple[Shard, Record] | beam.pvalue.TaggedOutput]:
    ticker, pieces = keyed
    sector = sectors.get(ticker, contract.UNKNOWN_SECTOR)
    bars, findings = clean_ticker(ticker, sector, list(pieces), config.validation)
    yield from map(_note, findings)
    if bars is None:
        return
    chunks = cut_chunks(bars, config.chunks)
    shard = zlib.crc32(ticker.encode()) % config.num_shards
    for chunk in chunks:
        yield (chunk.split, shard), (ticker, int(chunk.bars.dates[0]), examples.encode_chunk(chunk))
    yield _note(summarise_ticker(bars, chunks))


def _write_shard(keyed: tuple[Shard, Iterable[Record | None]], num_shards: int, folder: str) -> None:
    (split, index), records = keyed
    own = os.path.join(folder, SPLIT_FOLDER.format(split=split))
    fileio.makedirs(own)
    ordered = sorted(record for record in records if record is not None)
    path = os.path.join(own, SHARD_FILE.format(index=index, num_shards=num_shards))
    examples.write_records(path, (example for _, _, example in ordered))


def _write_notes(notes: list[Note], folder: str) -> None:
    fileio.makedirs(folder)
    with fileio.open(os.path.join(folder, NOTES_FILE), "w") as stream:
        stream.write(json.dumps(notes))
