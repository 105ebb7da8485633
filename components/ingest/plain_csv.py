"""CSV files without anything peculiar, read several times as fast as pandas does, to the same values.

Plain is a file whose header names each column once, and whose lines have as many fields each, with quotes
around whole fields alone, and finite numbers in all number columns. Both readers round a number correctly, so
that its bits are the same. What is not plain is left to pandas: its rules are those that hold.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv

READ_BYTES = 1 << 23
_TEXT = pa.dictionary(pa.int32(), pa.string())
_UNREADABLE = (OSError, EOFError, zlib.error)


class NotPlainError(Exception):
    """The rest of a file is for pandas to read."""


def read_plain_blocks(file: str, number_columns: Sequence[str], block_rows: int) -> Iterator[pa.Table]:
    """Reads a file block by block.

    Args:
      file: a CSV file, gzipped where its name ends so.
      number_columns: columns to read as numbers, those of them that it has; the others are text.
      block_rows: rows of each table but the last, which may have fewer.
    Raises:
      NotPlainError: the rows after those given are not plain, or cannot be read; or there are none at all.
    """
    held: list[pa.Table] = []
    num_given = 0
    for table in _read_tables(file, number_columns):
        held.append(table)
        while sum(map(len, held)) >= block_rows:
            joined = pa.concat_tables(held).unify_dictionaries()
            yield joined.slice(0, block_rows)
            held = [joined.slice(block_rows)]
            num_given += 1
    if any(map(len, held)):
        yield pa.concat_tables(held).unify_dictionaries()
    elif not num_given:
        raise NotPlainError


def _read_tables(file: str, number_columns: Sequence[str]) -> Iterator[pa.Table]:
    """Gives a table for each READ_BYTES or so."""
    opener = gzip.open if file.lower().endswith(".gz") else open
    try:
        with opener(file, "rb") as stream:
            types = _read_header(stream, number_columns)
            begun = b""
            while data := stream.read(READ_BYTES):
                data = begun + data
                end = data.rfind(b"\n") + 1
                if not end:
                    raise NotPlainError
                yield _parse(data[:end], types)
                begun = data[end:]
            if begun:
                yield _parse(begun + b"\n", types)
    except _UNREADABLE as error:
        raise NotPlainError from error


def _read_header(stream: Iterable[bytes], number_columns: Sequence[str]) -> dict[str, pa.DataType]:
    """Returns the type of each column."""
    try:
        names = next(iter(stream), b"").decode("utf-8-sig").rstrip("\r\n").split(",")
    except UnicodeError as error:
        raise NotPlainError from error
    num_fields = len(names)
    names = [name[1:-1] if name[0] == name[-1] == '"' else name for name in names if name]
    if len(set(names)) < num_fields or not all(names) or '"' in "".join(names):
        raise NotPlainError
    if not set(names) & set(number_columns):  # A line without a single field could not be told.
        raise NotPlainError
    return {name: pa.float64() if name in number_columns else _TEXT for name in names}


def _parse(lines: bytes, types: dict[str, pa.DataType]) -> pa.Table:
    is_plain = b"\0" not in lines and lines.count(b"\r") == lines.count(b"\r\n")
    if not is_plain or (b'"' in lines and not _are_around_fields(lines)):
        raise NotPlainError
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(lines),
            pa.csv.ReadOptions(use_threads=False, block_size=len(lines) + 1, column_names=list(types)),
            pa.csv.ParseOptions(ignore_empty_lines=False),
            pa.csv.ConvertOptions(column_types=types, null_values=[]),
        )
    except pa.ArrowException as error:
        raise NotPlainError from error
    numbers = [table.column(name).to_numpy() for name, type_ in types.items() if type_ != _TEXT]
    if not all(np.isfinite(column).all() for column in numbers):
        raise NotPlainError
    return table


def _are_around_fields(lines: bytes) -> bool:
    """Says whether each quote begins or ends a field, and no field goes on in the next line."""
    text = np.frombuffer(b"\n" + lines + b"\n", np.uint8)
    quotes, ends = np.flatnonzero(text == ord('"')), np.flatnonzero(text == ord("\n"))
    is_open = np.searchsorted(quotes, ends) % 2 == 1
    before, after = text[quotes[::2] - 1], text[quotes[1::2] + 1]
    return bool(
        not is_open.any()
        and np.isin(before, np.frombuffer(b",\n", np.uint8)).all()
        and np.isin(after, np.frombuffer(b",\r\n", np.uint8)).all()
    )
