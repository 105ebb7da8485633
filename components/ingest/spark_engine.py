"""The chunk job on Spark: a task for each unit of reading, a shuffle by shard, a task for each shard.

Executors import the pure functions alone, neither TensorFlow nor Beam. What reading finds goes through the
shuffle, too: so each finding arrives once, however often a task is done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from components.ingest.chunk_job import ChunkJob, ShardNotes, read_rows, write_shard
from components.ingest.findings import Finding
from components.ingest.units import Unit, plan_units

if TYPE_CHECKING:
    from pyspark import SparkContext

TASKS_PER_CORE = 4
"""Least tasks of reading, so that none is idle long while another ends."""
READ_JOB = "read and check bars"
WRITE_JOB = "cut and write shards"
_Keyed = tuple[int, bytes | Finding]
"""A shard and some of its rows, or a finding that any shard may pass on."""


def run(context: SparkContext, job: ChunkJob, files: Sequence[str]) -> list[ShardNotes]:
    """Does all of a job; see local_engine.run.

    Args:
      context: the executors must see the source's files and the job's folder under the same paths.
      job: what to do.
      files: what to read.
    """
    units = plan_units(files, TASKS_PER_CORE * context.defaultParallelism)
    shared = context.broadcast(job)
    read = context.parallelize(units, len(units)).flatMap(lambda unit: _read(shared.value, unit))
    by_shard = read.partitionBy(job.num_shards, int).setName(READ_JOB)
    written = by_shard.mapPartitionsWithIndex(
        lambda shard, keyed: _write(shared.value, shard, keyed), preservesPartitioning=True
    )
    return list(written.setName(WRITE_JOB).collect())


def _read(job: ChunkJob, unit: Unit) -> Iterator[_Keyed]:
    for found in read_rows(job, unit):
        yield (0, found) if isinstance(found, Finding) else (found.shard, found.data)


def _write(job: ChunkJob, shard: int, keyed: Iterable[_Keyed]) -> Iterator[ShardNotes]:
    findings: list[Finding] = []
    notes = write_shard(job, shard, _keep_rows(keyed, findings))
    yield ShardNotes(findings + notes.findings, notes.summaries)


def _keep_rows(keyed: Iterable[_Keyed], findings: list[Finding]) -> Iterator[bytes]:
    for _, value in keyed:
        if isinstance(value, Finding):
            findings.append(value)
        else:
            yield value
