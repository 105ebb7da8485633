"""Rows on their way from the parts to the shards of their tickers: they wait in files, Beam sees the paths.

A runner that holds what it groups in memory would hold all bars of the universe otherwise.
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping

from tfx.dsl.io import fileio

from components.ingest.bars import Piece
from components.ingest.row_blocks import RowBlock, join_blocks, join_pieces, split_by_shard, split_by_ticker
from components.ingest.shards import shard_of

ROWS_FOLDER = "rows"
"""Some 80 bytes for each bar, until the examples are written."""


def write_rows(pieces: Mapping[str, Piece], num_shards: int, folder: str) -> Iterator[tuple[int, str]]:
    """Writes a file for each shard that some of the tickers belong to.

    Args:
      pieces: sound rows by ticker.
      num_shards: at least 1.
      folder: gets ROWS_FOLDER. A name is never used twice: rows that are written again, by a worker that
        takes over, leave a file that nobody reads.
    Yields:
      Shard and path.
    """
    if not pieces:
        return
    block = join_blocks([join_pieces(ticker, [piece]) for ticker, piece in pieces.items()])
    for shard, own in split_by_shard(block, functools.partial(shard_of, num_shards=num_shards)):
        path = os.path.join(folder, ROWS_FOLDER, f"{shard:05d}", uuid.uuid4().hex)
        fileio.makedirs(os.path.dirname(path))
        with fileio.open(path, "wb") as stream:
            stream.write(own.to_bytes())
        yield shard, path


def read_tickers(paths: Iterable[str], others: Iterable[RowBlock] = ()) -> Iterator[tuple[str, RowBlock]]:
    """Reads files of one shard: all rows of each ticker, other ones too, in the order of the names."""
    blocks = list(others)
    for path in paths:
        with fileio.open(path, "rb") as stream:
            blocks.append(RowBlock.from_bytes(stream.read()))
    if blocks:
        yield from split_by_ticker(join_blocks(blocks))
