"""The chunk job in this process: rows go to a file for each shard, then shard by shard into examples.

Memory holds one block of a file or one shard, however many tickers there are; the rows wait on the disk.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator, Sequence

from components import progress
from components.ingest.chunk_job import ChunkJob, ShardNotes, read_rows, write_shard
from components.ingest.findings import Finding
from components.ingest.units import plan_units

ROWS_FOLDER = ".rows"
"""In the job's folder, while it lasts: some 80 bytes for each bar."""
_LENGTH = struct.Struct("<Q")


def run(job: ChunkJob, files: Sequence[str]) -> list[ShardNotes]:
    """Does all of a job.

    Args:
      job: what to do; its folder is there.
      files: what to read.
    Returns:
      What reading has found, and what each shard has.
    """
    findings = read_files(job, files)
    notes = write_files(job)
    shutil.rmtree(os.path.join(job.folder, ROWS_FOLDER))
    return [ShardNotes(findings, []), *notes]


def read_files(job: ChunkJob, files: Sequence[str]) -> list[Finding]:
    """Reads and checks all rows, and leaves them in a file for each shard."""
    os.makedirs(os.path.join(job.folder, ROWS_FOLDER))
    units = plan_units(files)
    findings = []
    for number, unit in enumerate(units):
        progress.report("parts read", number, len(units))
        for found in read_rows(job, unit):
            if isinstance(found, Finding):
                findings.append(found)
                continue
            with open(_rows_file(job, found.shard), "ab") as stream:
                stream.write(_LENGTH.pack(len(found.data)) + found.data)
    return findings


def write_files(job: ChunkJob) -> list[ShardNotes]:
    """Writes every shard, of the rows that read_files has left."""
    notes = []
    for shard in range(job.num_shards):
        progress.report("files written", shard, job.num_shards)
        notes.append(write_shard(job, shard, _read_packed(_rows_file(job, shard))))
    return notes


def _rows_file(job: ChunkJob, shard: int) -> str:
    return os.path.join(job.folder, ROWS_FOLDER, f"{shard:05d}")


def _read_packed(path: str) -> Iterator[bytes]:
    if not os.path.exists(path):  # No ticker goes to this shard.
        return
    with open(path, "rb") as stream:
        while prefix := stream.read(_LENGTH.size):
            yield stream.read(*_LENGTH.unpack(prefix))
