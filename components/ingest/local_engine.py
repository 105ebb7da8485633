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
from components.ingest.units import Unit

ROWS_FOLDER = ".rows"
"""In the job's folder, while it lasts: some 80 bytes for each bar."""
_LENGTH = struct.Struct("<Q")


def run(job: ChunkJob, units: Sequence[Unit]) -> list[ShardNotes]:
    """Does all of a job.

    Args:
      job: what to do; its folder is there.
      units: what to read.
    Returns:
      What reading has found, and what each shard has.
    """
    rows_folder = os.path.join(job.folder, ROWS_FOLDER)
    os.makedirs(rows_folder)
    notes = [ShardNotes(_read_all(job, units, rows_folder), [])]
    for shard in range(job.num_shards):
        progress.report("files written", shard, job.num_shards)
        path = _rows_file(rows_folder, shard)
        notes.append(write_shard(job, shard, _read_packed(path)))
        if os.path.exists(path):
            os.remove(path)
    shutil.rmtree(rows_folder)
    return notes


def _read_all(job: ChunkJob, units: Sequence[Unit], rows_folder: str) -> list[Finding]:
    findings = []
    for number, unit in enumerate(units):
        progress.report("parts read", number, len(units))
        for found in read_rows(job, unit):
            if isinstance(found, Finding):
                findings.append(found)
                continue
            with open(_rows_file(rows_folder, found.shard), "ab") as stream:
                stream.write(_LENGTH.pack(len(found.data)) + found.data)
    return findings


def _rows_file(folder: str, shard: int) -> str:
    return os.path.join(folder, f"{shard:05d}")


def _read_packed(path: str) -> Iterator[bytes]:
    if not os.path.exists(path):  # No ticker goes to this shard.
        return
    with open(path, "rb") as stream:
        while prefix := stream.read(_LENGTH.size):
            yield stream.read(*_LENGTH.unpack(prefix))
