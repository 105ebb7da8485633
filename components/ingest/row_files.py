"""Rows between the steps of a job: files in the job's folder, and where in them each shard's rows are.

An attempt at a unit writes a file under a name of its own, which only the slices tell that the attempt
returns once it is whole: so one that dies, or that nobody waited for, leaves what nobody reads.
"""

from __future__ import annotations

import collections
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

ROWS_FOLDER = ".rows"
"""In the job's folder, while it lasts: some 80 bytes for each bar."""


class RowSlice(NamedTuple):
    """Some rows of one shard.

    Attributes:
      file: path within the job's folder.
      offset: bytes before them.
      num_bytes: their length.
    """

    file: str
    offset: int
    num_bytes: int


def write_rows(folder: str, rows: Iterable[tuple[int, bytes]]) -> dict[int, list[RowSlice]]:
    """Writes a new file.

    Args:
      folder: the job's.
      rows: shard and some of its rows.
    Returns:
      Shard -> where its rows are.
    """
    file = os.path.join(ROWS_FOLDER, uuid.uuid4().hex)
    os.makedirs(os.path.join(folder, ROWS_FOLDER), exist_ok=True)
    slices: dict[int, list[RowSlice]] = collections.defaultdict(list)
    with open(os.path.join(folder, file), "wb") as stream:
        for shard, data in rows:
            slices[shard].append(RowSlice(file, stream.tell(), len(data)))
            stream.write(data)
    return dict(slices)


def read_rows(folder: str, slices: Sequence[RowSlice]) -> Iterator[bytes]:
    """Gives what write_rows was given, slice by slice."""
    for piece in slices:
        with open(os.path.join(folder, piece.file), "rb") as stream:
            stream.seek(piece.offset)
            yield stream.read(piece.num_bytes)
