"""How examples are divided into files, whoever writes them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

from components.ingest import sources

SPLIT_FOLDER = "Split-{split}"
SHARD_FILE = "data_tfrecord-{index:05d}-of-{num_shards:05d}.gz"
SHARD_BYTES = 16 << 20
"""Input for which a file of each split is made: some 200,000 to 300,000 bars."""


def choose_num_shards(files: Sequence[str]) -> int:
    """Returns the number of shards of a source: one for each SHARD_BYTES of its files, begun or whole.

    Raises:
      InputError: a file is not there.
    """
    return max(1, -(-sum(map(sources.measure_file, files)) // SHARD_BYTES))


def shard_of(ticker: str, num_shards: int) -> int:
    """Returns the shard that a ticker's examples go to; 0 .. num_shards - 1."""
    return zlib.crc32(ticker.encode()) % num_shards


def shard_path(split: str, index: int, num_shards: int) -> str:
    """Returns where a shard of a split stands in the folder of examples."""
    name = SHARD_FILE.format(index=index, num_shards=num_shards)
    return os.path.join(SPLIT_FOLDER.format(split=split), name)
