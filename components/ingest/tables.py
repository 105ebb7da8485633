"""One CSV or Parquet file as a table that remembers its lines."""

from __future__ import annotations

import collections
import io
import zlib
from collections.abc import Sequence
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components import object_store
from components.errors import InputError

CSV_SUFFIXES = (".csv", ".csv.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")
SUFFIXES = CSV_SUFFIXES + PARQUET_SUFFIXES

CSV_FIRST_LINE = 2
"""Line of a CSV file's first row: the header is line 1."""
PARQUET_FIRST_LINE = 1
"""A Parquet file has no header: its first row is row 1."""
ROW_FIRST_LINE = 1
"""The same of rows that a database sends."""
LINE = "line"
"""Name of a table's index."""

_BROKEN = (OSError, EOFError, zlib.error, UnicodeError, pa.ArrowException)
_MALFORMED = (pd.errors.ParserError, pd.errors.EmptyDataError)


def read_table(file: str, number_columns: Sequence[str] = (), columns: Sequence[str] = ()) -> pd.DataFrame:
    """Reads a file.

    Args:
      file: a CSV file (UTF-8, commas, a header) or a Parquet file; this may be an object's URL.
      number_columns: columns of a CSV file to read as numbers, those of them that it has.
      columns: columns of a Parquet file to read, those of them that it has; none for all.
    Returns:
      The table, indexed by `line`. Of a CSV file all columns are text, but the number columns are float64
      where each of them is all numbers. A Parquet file's columns have its own types.
    Raises:
      InputError: the file cannot be read or is no table.
    """
    try:
        if file.lower().endswith(PARQUET_SUFFIXES):
            return _read_parquet(file, columns)
        return _read_csv(file, number_columns)
    except UnicodeError as error:
        raise InputError(f"{file} must be UTF-8 text, got {error}; save the file as UTF-8") from error
    except _BROKEN as error:
        raise InputError(
            f"{file} must be a readable file, got {type(error).__name__}: {error}; check the path, its "
            "permissions and that the file is whole"
        ) from error
    except _MALFORMED as error:
        raise InputError(
            f"{file} must be a table with a header and the same number of fields in each line, got: "
            f"{str(error).strip()}; mend the file"
        ) from error


def read_rows_of(stream: IO[bytes], number_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Reads rows that a database has sent as CSV; the first is row 1. See read_table."""
    return _read_csv(stream, number_columns, ROW_FIRST_LINE)


def _read_csv(
    file: str | IO[bytes], number_columns: Sequence[str], first_line: int = CSV_FIRST_LINE
) -> pd.DataFrame:
    try:
        table = _parse_csv(file, number_columns)
    except (*_BROKEN, *_MALFORMED):
        raise
    except ValueError:  # A number column holds something else: keep its text, so that it can be shown.
        table = _parse_csv(file, ())
    if len(table) and not isinstance(table.index, pd.RangeIndex):
        raise pd.errors.ParserError("each line has more fields than the header")
    table.index = pd.RangeIndex(first_line, first_line + len(table), name=LINE)
    text = table.select_dtypes("object")
    blank = (text.isna() | (text == "")).all(axis=1) & (text.shape[1] == table.shape[1])
    return table[~blank]


def _parse_csv(file: str | IO[bytes], number_columns: Sequence[str]) -> pd.DataFrame:
    if not isinstance(file, str):
        file.seek(0)
    types: dict[str, str] = collections.defaultdict(lambda: "str")
    types.update(dict.fromkeys(number_columns, "float64"))
    return pd.read_csv(
        file,
        dtype=types,
        encoding="utf-8-sig",
        float_precision="round_trip",
        keep_default_na=False,  # NA is a ticker.
        skip_blank_lines=False,  # A blank line counts as a line.
    )


def _read_parquet(file: str, columns: Sequence[str]) -> pd.DataFrame:
    parquet = pq.ParquetFile(io.BytesIO(object_store.read_object(file)) if "://" in file else file)
    chosen = [name for name in parquet.schema_arrow.names if name in columns]
    # pyarrow's threads may outlive the interpreter, which aborts then (seen with pyarrow 10).
    table = _to_pandas(parquet.read(chosen if columns else None, use_threads=False))
    table.index = pd.RangeIndex(PARQUET_FIRST_LINE, PARQUET_FIRST_LINE + len(table), name=LINE)
    return table


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    try:
        return table.to_pandas(ignore_metadata=True, use_threads=False, date_as_object=False)
    except pa.ArrowInvalid:  # A day that pandas has no moment for: keep it as it is, so that it can be shown.
        return table.to_pandas(ignore_metadata=True, use_threads=False)
