"""The chunk job in this process: unit by unit into rows, then shard by shard into examples.

Memory holds one block of a file or one shard, however many tickers there are; the rows wait on the disk.
"""

from __future__ import annotations

from collections.abc import Sequence

from components import progress
from components.ingest.chunk_job import (
    ChunkJob,
    JobNotes,
    ShardNotes,
    UnitNotes,
    gather_slices,
    read_rows,
    write_shard,
)
from components.ingest.units import plan_units


def run(job: ChunkJob, files: Sequence[str]) -> JobNotes:
    """Does all of a job.

    Args:
      job: what to do; its folder is there.
      files: what to read.
    """
    units = read_files(job, files)
    return JobNotes(units, write_files(job, units))


def read_files(job: ChunkJob, files: Sequence[str]) -> list[UnitNotes]:
    """Reads and checks all rows, and leaves them in the job's folder."""
    units = plan_units(files)
    notes = []
    for number, unit in enumerate(units):
        progress.report("parts read", number, len(units))
        notes.append(read_rows(job, unit))
    return notes


def write_files(job: ChunkJob, units: Sequence[UnitNotes]) -> list[ShardNotes]:
    """Writes every shard, of the rows that read_files has left."""
    notes = []
    for shard, slices in enumerate(gather_slices(job, units)):
        progress.report("files written", shard, job.num_shards)
        notes.append(write_shard(job, shard, slices))
    return notes
