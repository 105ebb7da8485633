"""Sound rows of many tickers and files as arrays: what goes between reading files and cutting tickers."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from components.ingest.bars import Floats, Integers, Piece


@dataclasses.dataclass(frozen=True)
class RowBlock:
    """n rows that are sound one by one, in any order.

    Attributes:
      tickers: names.
      ticker_index: int64 [n], into `tickers`.
      files: names, sorted.
      file_index: int64 [n], into `files`.
      lines: int64 [n], of the file.
      dates: int64 [n], days since 1970-01-01.
      values: float64 [n, len(BAR_COLUMNS)].
    """

    tickers: tuple[str, ...]
    ticker_index: Integers
    files: tuple[str, ...]
    file_index: Integers
    lines: Integers
    dates: Integers
    values: Floats

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, rows: Integers | slice) -> RowBlock:
        """Returns some of the rows; the names stay."""
        names = ("ticker_index", "file_index", "lines", "dates", "values")
        return dataclasses.replace(self, **{name: getattr(self, name)[rows] for name in names})

    def to_bytes(self) -> bytes:
        """Returns what from_bytes reads; for processes of one ingest, which trust each other."""
        return pickle.dumps(self, protocol=pickle.HIGHEST_PROTOCOL)

    @staticmethod
    def from_bytes(data: bytes) -> RowBlock:
        """Returns the block that to_bytes made."""
        block: RowBlock = pickle.loads(data)
        return block


def join_pieces(ticker: str, pieces: Sequence[Piece]) -> RowBlock:
    """Makes one block of a ticker's pieces."""
    return join_blocks(
        [
            RowBlock(
                (ticker,), _zeros(piece), (piece.file,), _zeros(piece), piece.lines, piece.dates, piece.values
            )
            for piece in pieces
        ]
    )


def join_blocks(blocks: Sequence[RowBlock]) -> RowBlock:
    """Makes one block of at least one; its tickers are sorted."""
    tickers = tuple(sorted({name for block in blocks for name in block.tickers}))
    files = tuple(sorted({name for block in blocks for name in block.files}))
    return RowBlock(
        tickers,
        np.concatenate([_renumber(block.tickers, tickers)[block.ticker_index] for block in blocks]),
        files,
        np.concatenate([_renumber(block.files, files)[block.file_index] for block in blocks]),
        np.concatenate([block.lines for block in blocks]),
        np.concatenate([block.dates for block in blocks]),
        np.concatenate([block.values for block in blocks]),
    )


def split_by_ticker(block: RowBlock) -> Iterator[tuple[str, RowBlock]]:
    """Gives each ticker's rows, in the order of `tickers`; those without rows are left out."""
    for index, own in _split(block, block.ticker_index):
        yield block.tickers[index], own


def split_by_shard(block: RowBlock, shard_of: Callable[[str], int]) -> Iterator[tuple[int, RowBlock]]:
    """Gives the rows of each shard that has some.

    Args:
      block: rows.
      shard_of: ticker -> shard.
    """
    shards = np.array([shard_of(ticker) for ticker in block.tickers], np.int64)
    for shard, own in _split(block, shards[block.ticker_index]):
        present = np.unique(own.ticker_index)
        positions = np.zeros(len(block.tickers), np.int64)
        positions[present] = np.arange(len(present))
        names = tuple(block.tickers[index] for index in present)
        yield shard, dataclasses.replace(own, tickers=names, ticker_index=positions[own.ticker_index])


def _split(block: RowBlock, keys: Integers) -> Iterator[tuple[int, RowBlock]]:
    order = np.argsort(keys, kind="stable")
    ordered = block.take(order)
    borders = [*np.flatnonzero(np.diff(keys[order], prepend=-1)), len(order)]
    for start, stop in itertools.pairwise(borders):
        yield int(keys[order[start]]), ordered.take(slice(start, stop))


def _renumber(names: Sequence[str], others: Sequence[str]) -> Integers:
    """Returns where each name stands among the others, int64."""
    places = {name: place for place, name in enumerate(others)}
    return np.array([places[name] for name in names], np.int64)


def _zeros(piece: Piece) -> Integers:
    return np.zeros(len(piece.lines), np.int64)
