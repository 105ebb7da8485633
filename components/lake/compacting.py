"""Makes one file of a partition's many; the bars, the fingerprint and what was known stay the same."""

from __future__ import annotations

from components import progress
from components.errors import InputError
from components.lake import commits, reading
from components.lake.commits import Snapshot
from components.lake.publishing import Draft, Renewal
from components.lake.storage import Storage


def draft_compaction(storage: Storage, before: Snapshot) -> Draft | None:
    """What is to be changed of a lake so that each partition has one file; None where each has.

    It was known on the day of the newest commit: a compaction adds no knowledge. Older commits keep their
    files.

    Args:
      storage: the lake's.
      before: its newest snapshot.
    Raises:
      InputError: there are no bars yet, or a file holds other bars than its commit says.
    """
    if before.commit is None:
        raise InputError(
            f"{storage.location} must hold bars to be compacted, got none; add some without --compact first"
        )
    scattered = {partition: own for partition, own in before.partitions.items() if len(own) > 1}
    renewals = {}
    for number, (partition, files) in enumerate(scattered.items(), 1):
        renewals[partition] = Renewal((), reading.read_partition(storage, partition, files))
        progress.report("partitions joined", number, len(scattered))
    return Draft(commits.COMPACT, before.commit.known_on, renewals) if renewals else None
