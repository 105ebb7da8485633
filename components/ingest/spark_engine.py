"""The chunk job on Spark: a task for each unit of reading, then a task for each shard.

Executors import the pure functions alone, neither TensorFlow nor Beam. Rows go from task to task by the job's
folder and never through Java, which would copy each four times: a task is given slices, and returns notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.ingest.chunk_job import ChunkJob, JobNotes, gather_slices, read_rows, write_shard
from components.ingest.units import plan_units

if TYPE_CHECKING:
    from pyspark import SparkContext

TASKS_PER_CORE = 4
"""Least tasks of reading, so that none is idle long while another ends."""
READ_JOB = "read and check bars"
WRITE_JOB = "cut and write shards"


def run(context: SparkContext, job: ChunkJob, files: Sequence[str]) -> JobNotes:
    """Does all of a job; see local_engine.run.

    Args:
      context: the executors must see the source's files and the job's folder under the same paths.
      job: what to do.
      files: what to read.
    """
    units = plan_units(files, TASKS_PER_CORE * context.defaultParallelism)
    shared = context.broadcast(job)
    reading = context.parallelize(units, len(units)).map(lambda unit: read_rows(shared.value, unit))
    unit_notes = reading.setName(READ_JOB).collect()
    shards = list(enumerate(gather_slices(job, unit_notes)))
    writing = context.parallelize(shards, len(shards)).map(lambda shard: write_shard(shared.value, *shard))
    return JobNotes(unit_notes, writing.setName(WRITE_JOB).collect())
