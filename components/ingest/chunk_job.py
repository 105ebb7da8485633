"""From bars to chunk files in two steps, of which each is a pure function of its own unit of work.

    read_rows:    unit  -> its sound rows in a file, and where in it those of each shard are
    write_shard:  shard -> a file of each split

An engine decides where and when: it gives write_shard all slices that read_rows made for the shard, in any
order. A step can be done twice, or by two processes at once: what it writes counts when it is whole.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from components import contract
from components.errors import InputError
from components.ingest import companies, row_files, sources
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig, cut_chunks
from components.ingest.examples import encode_chunk
from components.ingest.findings import UNREADABLE, Finding
from components.ingest.history import clean_rows
from components.ingest.reference import ReferenceData, read_reference
from components.ingest.report import TickerSummary, summarise_ticker
from components.ingest.row_blocks import RowBlock, join_blocks, split_by_shard, split_by_ticker
from components.ingest.row_files import RowSlice
from components.ingest.shards import choose_num_shards, shard_of, shard_path
from components.ingest.source_config import FILES, SourceConfig
from components.ingest.tfrecords import RecordWriter, open_writers
from components.ingest.unit_rows import read_unit
from components.ingest.units import Unit

ATTEMPTS_FOLDER = ".attempts"
"""In the job's folder: files that are being written, a folder for each attempt."""


class UnitNotes(NamedTuple):
    """What reading a unit has found.

    Attributes:
      findings: of its rows.
      slices: shard -> its rows.
      digests: file -> SHA-256 (hex), of the files that begin in the unit; none where none is wanted.
    """

    findings: list[Finding]
    slices: dict[int, list[RowSlice]]
    digests: dict[str, str]


class ShardNotes(NamedTuple):
    """What writing a shard has found, and counted."""

    findings: list[Finding]
    summaries: list[TickerSummary]


class JobNotes(NamedTuple):
    """What an engine returns: of each unit and each shard, in any order."""

    units: list[UnitNotes]
    shards: list[ShardNotes]


@dataclasses.dataclass(frozen=True)
class ChunkJob:
    """All that the steps go by.

    Attributes:
      source: where the bars are.
      validation: what happens to bad rows.
      chunks: how bars are cut and split.
      num_shards: files of each split, at least 1.
      sectors: ticker -> sector.
      reference: corporate actions and trading days.
      folder: gets the files; each process that works on the job must see it.
      wants_digests: the fingerprint is made of the files' digests; a lake's is not.
    """

    source: SourceConfig
    validation: ValidationConfig
    chunks: ChunkConfig
    num_shards: int
    sectors: Mapping[str, str]
    reference: ReferenceData
    folder: str
    wants_digests: bool


def plan_job(
    source: SourceConfig, validation: ValidationConfig, chunks: ChunkConfig, folder: str
) -> tuple[ChunkJob, list[str]]:
    """Looks at a source.

    Returns:
      The job and its files.
    Raises:
      InputError: there are no bars, they are no files that each process can open, or the metadata is wrong.
    """
    files = sources.list_files(source) if source.kind == FILES else []
    if not files or any("://" in file for file in files):
        raise InputError(
            f"--chunks must read files or a lake in a folder, got {source.place}; let `marketcast run` read "
            "it, or copy it to a folder that all workers see"
        )
    num_shards = chunks.num_shards or choose_num_shards(files)
    sectors = companies.read_sectors(source.metadata_path)
    reference = read_reference(source, validation, chunks.last_day)
    wants_digests = not source.is_lake
    # Each process must tell a lake by its path, from whatever folder.
    located = dataclasses.replace(source, path=os.path.abspath(source.path))
    job = ChunkJob(located, validation, chunks, num_shards, sectors, reference, folder, wants_digests)
    return job, files


def read_rows(job: ChunkJob, unit: Unit) -> UnitNotes:
    """Reads and checks one unit, and leaves its rows, divided by shard, in the job's folder."""
    findings: list[Finding] = []
    slices = row_files.write_rows(job.folder, _pack_rows(job, unit, findings))
    left_out = {finding.file for finding in findings if finding.check == UNREADABLE}
    begun = [part for part in unit if part.is_first and part.file not in left_out]
    digests = {part.file: sources.digest_file(part.path) for part in begun} if job.wants_digests else {}
    return UnitNotes(findings, slices, digests)


def _pack_rows(job: ChunkJob, unit: Unit, findings: list[Finding]) -> Iterator[tuple[int, bytes]]:
    """Gives shards and rows, and adds to the findings."""
    for found in read_unit(unit, job.source, job.validation, job.chunks.last_day):
        if isinstance(found, Finding):
            findings.append(found)
            continue
        for shard, block in split_by_shard(found, lambda ticker: shard_of(ticker, job.num_shards)):
            yield shard, block.to_bytes()


def gather_slices(job: ChunkJob, units: Sequence[UnitNotes]) -> list[list[RowSlice]]:
    """Returns the slices of each shard.

    Raises:
      InputError: a file of theirs is not in the job's folder.
    """
    shards: list[list[RowSlice]] = [[] for _ in range(job.num_shards)]
    for notes in units:
        for shard, slices in notes.slices.items():
            shards[shard] += slices
    check_written(job.folder, sorted({piece.file for slices in shards for piece in slices}))
    return shards


def check_written(folder: str, paths: Sequence[str]) -> None:
    """Raises an InputError where this process does not see what workers wrote into a folder."""
    missing = [path for path in paths if not os.path.exists(os.path.join(folder, path))]
    if missing:
        raise InputError(
            "--chunks must name a folder that this process and all workers see, got one without "
            f"{len(missing)} of the {len(paths)} files that they wrote; name one on a volume that all mount"
        )


def write_shard(job: ChunkJob, shard: int, slices: Sequence[RowSlice]) -> ShardNotes:
    """Cleans, cuts and writes one shard's tickers.

    Args:
      job: what to do.
      shard: 0 .. num_shards - 1.
      slices: where all of the shard's rows are.
    """
    notes = ShardNotes([], [])
    blocks = [RowBlock.from_bytes(data) for data in row_files.read_rows(job.folder, slices)]
    with _open_shard(job, shard) as writers:
        for ticker, rows in split_by_ticker(join_blocks(blocks)) if blocks else ():
            sector = job.sectors.get(ticker, contract.UNKNOWN_SECTOR)
            bars, findings = clean_rows(ticker, sector, rows, job.validation, job.reference)
            notes.findings.extend(findings)
            if bars is None:
                continue
            chunks = cut_chunks(bars, job.chunks)
            for chunk in chunks:
                writers[chunk.split].write(encode_chunk(chunk))
            notes.summaries.append(summarise_ticker(bars, chunks))
    return notes


@contextlib.contextmanager
def _open_shard(job: ChunkJob, shard: int) -> Iterator[dict[str, RecordWriter]]:
    """Gives a writer for each split; all files are put in their places at the end, if it comes to that."""
    paths = {split: shard_path(split, shard, job.num_shards) for split in contract.SPLITS}
    attempt = os.path.join(job.folder, ATTEMPTS_FOLDER, uuid.uuid4().hex)
    attempted = {split: os.path.join(attempt, path) for split, path in paths.items()}
    with open_writers(attempted, _create) as writers:
        yield writers
    _put_in_place(attempt, job.folder, paths.values())


def _put_in_place(attempt: str, folder: str, paths: Iterable[str]) -> None:
    for path in paths:
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        os.replace(os.path.join(attempt, path), os.path.join(folder, path))


def _create(path: str) -> BinaryIO:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return open(path, "wb")
