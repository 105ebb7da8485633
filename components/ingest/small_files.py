"""Small files of the same columns as one table: a file a day costs little more than a file of all days.

What is done once for each table, in pandas above all, is most of the work on a file of some hundred rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components.ingest import arrow_tables, plain_csv, tables
from components.ingest.rows import RowTable
from components.ingest.source_config import SourceConfig
from components.ingest.sources import file_columns, name_columns, number_columns


class SmallFile(NamedTuple):
    """A file's rows as they stand, under its own column names.

    Attributes:
      file: its name.
      table: 1 to tables.BLOCK_ROWS rows; no value is missing.
    """

    file: str
    table: pa.Table


def read_small(file: str, path: str, source: SourceConfig) -> SmallFile | None:
    """Reads a file that may be joined with others.

    Args:
      file: its name.
      path: where it is.
      source: tells its column names.
    Returns:
      None for a file that is long, empty, broken, lacks a value, or of which pandas must judge.
    """
    try:
        if tables.is_parquet(path):
            table = _read_parquet(path, file_columns(source))
        else:
            table = _read_csv(path, number_columns(source))
    except (*tables.BROKEN, plain_csv.NotPlainError):
        return None
    if table is None or any(column.null_count for column in table.columns):
        return None
    return SmallFile(file, table)


def can_join(files: Sequence[SmallFile], other: SmallFile) -> bool:
    """Says whether a file has the columns and types of others, and a block has room for it."""
    num_rows = len(other.table) + sum(len(file.table) for file in files)
    return num_rows <= tables.BLOCK_ROWS and all(
        file.table.schema.equals(other.table.schema) for file in files[:1]
    )


def join(files: Sequence[SmallFile], source: SourceConfig) -> RowTable:
    """Makes one table of at least one file.

    Raises:
      InputError: a column is missing, or there though it must not be.
    """
    rows = arrow_tables.to_pandas(pa.concat_tables([file.table for file in files]).unify_dictionaries())
    lengths = [len(file.table) for file in files]
    firsts = [tables.first_line(file.file) for file in files]
    lines = [np.arange(first, first + length) for first, length in zip(firsts, lengths, strict=True)]
    rows.index = pd.Index(np.concatenate(lines), name=tables.LINE)
    names = tuple(file.file for file in files)
    return RowTable(name_columns(rows, names[0], source), names, np.repeat(np.arange(len(files)), lengths))


def _read_parquet(path: str, columns: Sequence[str]) -> pa.Table | None:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        if len(set(names)) < len(names) or not 0 < file.metadata.num_rows <= tables.BLOCK_ROWS:
            return None
        chosen = [name for name in names if name in columns]
        return file.read(chosen, use_threads=False).replace_schema_metadata(None)


def _read_csv(path: str, numbers: Sequence[str]) -> pa.Table | None:
    first, *more = itertools.islice(plain_csv.read_plain_blocks(path, numbers, tables.BLOCK_ROWS), 2)
    return None if more else first
