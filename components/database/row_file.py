"""Rows that wait on the disk until they are written: more than memory should hold, read again if need be."""

from __future__ import annotations

import contextlib
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

Row = Sequence[Any]


class RowFile:
    """Blocks of rows in an unnamed file, of which one at a time is in memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[Row]:
        """All rows from the first on; one reader at a time."""
        self._stream.seek(0)
        with contextlib.suppress(EOFError):
            while True:
                yield from pickle.load(self._stream)


@contextlib.contextmanager
def keep_rows(blocks: Iterable[Sequence[Row]], folder: str) -> Iterator[RowFile]:
    """Puts rows on the disk until the end of the `with`.

    Args:
      blocks: the rows, some at a time.
      folder: on the disk that has room for them.
    """
    with tempfile.TemporaryFile(dir=folder) as stream:
        for block in blocks:
            pickle.dump(block, stream, pickle.HIGHEST_PROTOCOL)
        yield RowFile(stream)
