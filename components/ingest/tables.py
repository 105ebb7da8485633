"""One CSV or Parquet file as a table that remembers its lines."""

from __future__ import annotations

import collections
import contextlib
import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from components import object_store
from components.errors import InputError
from components.ingest import arrow_tables, plain_csv

CSV_SUFFIXES = (".csv", ".csv.gz")
PARQUET_SUFFIXES = (".parquet", ".pq")
SUFFIXES = CSV_SUFFIXES + PARQUET_SUFFIXES

CSV_FIRST_LINE = 2
"""Line of a CSV file's first row: the header is line 1."""
PARQUET_FIRST_LINE = 1
"""A Parquet file has no header: its first row is row 1."""
ROW_FIRST_LINE = 1
"""The same of rows that a database sends."""
BLOCK_ROWS = 1 << 17
"""Rows read at a time: some 30 MB of text."""
_SCAN_BYTES = 1 << 20
LINE = "line"
"""Name of a table's index."""

BROKEN = (OSError, EOFError, zlib.error, UnicodeError, pa.ArrowException)
"""What readers raise of a file that cannot be read."""
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
      InputError: the file cannot be read, by its name or at all, is no table or has a column twice.
    """
    with _telling_of(file):
        if is_parquet(file):
            return _read_parquet(file, columns)
        return _read_csv(file, number_columns)


def read_blocks(
    file: str,
    number_columns: Sequence[str] = (),
    columns: Sequence[str] = (),
    row_groups: Sequence[int] | None = None,
) -> Iterator[pd.DataFrame]:
    """Reads a file as read_table does, but block by block; memory does not grow with the file.

    Args:
      file: see read_table.
      number_columns: see read_table; text where one of a block's columns, or an earlier block's, has some.
      columns: see read_table.
      row_groups: of a Parquet file, those to read, in ascending order; None reads all.
    Returns:
      Tables of at most BLOCK_ROWS rows; of a file without rows one or none.
    Raises:
      InputError: the file cannot be read, by its name or at all, is no table or has a column twice.
    """
    with _telling_of(file):
        if is_parquet(file):
            yield from _read_parquet_blocks(file, columns, row_groups)
        else:
            yield from _read_csv_blocks(file, number_columns)


def is_parquet(file: str) -> bool:
    """Says whether a file is a Parquet file by its name."""
    return file.lower().endswith(PARQUET_SUFFIXES)


def _is_gzip(file: str) -> bool:
    return file.lower().endswith(".gz")


def first_line(file: str) -> int:
    """Returns what the first row's line is called."""
    return PARQUET_FIRST_LINE if is_parquet(file) else CSV_FIRST_LINE


def count_group_rows(file: str) -> list[int]:
    """Returns the rows of each row group of a Parquet file.

    Raises:
      InputError: the file cannot be read or is none.
    """
    with _telling_of(file):
        metadata = pq.read_metadata(file)
        return [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]


@contextlib.contextmanager
def _telling_of(file: str) -> Iterator[None]:
    """Makes one InputError of what a reader finds wrong with a file, or with its name."""
    if not file.lower().endswith(SUFFIXES):
        raise InputError(
            f"{file} must end in {', '.join(SUFFIXES)}, got another name; save it as one of them"
        )
    if "://" in file and not (is_parquet(file) and object_store.is_url(file)):
        raise InputError(f"{file} must be a file of this machine, got a URL; copy it to a folder")
    with _explaining(file):
        yield


@contextlib.contextmanager
def _explaining(file: str) -> Iterator[None]:
    try:
        yield
    except UnicodeError as error:
        raise InputError(f"{file} must be UTF-8 text, got {error}; save the file as UTF-8") from error
    except BROKEN as error:
        raise InputError(
            f"{file} must be a readable file, got {type(error).__name__}: {error}; check the path, its "
            "permissions and that the file is whole"
        ) from error
    except _MALFORMED as error:
        raise InputError(
            f"{file} must be a table with a header and the same number of fields in each line, got: "
            f"{str(error).strip()}; mend the file"
        ) from error


def read_rows_of(stream: IO[bytes], place: str, number_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Reads rows that a database has sent as CSV, which messages call `place`; the first is row 1.

    See read_table.
    """
    with _explaining(place):
        stream.seek(0)
        _refuse_doubled(next(csv.reader([stream.readline().decode()]), []), place)
        return _read_csv(stream, number_columns, ROW_FIRST_LINE)


def _refuse_doubled(names: Sequence[str], file: str) -> None:
    """Refuses a file that has two columns of one name; of columns without a name there may be several."""
    if doubled := [name for name, count in collections.Counter(names).items() if name and count > 1]:
        raise InputError(
            f"{file} must name each column once, got {', '.join(doubled)} twice; rename one of them, or "
            "take it out"
        )


def _read_header(file: str) -> list[str]:
    """The column names of a CSV file; none where it is for pandas to say what is wrong."""
    opener = gzip.open if _is_gzip(file) else open
    with contextlib.suppress(csv.Error, UnicodeError), opener(file, "rt", encoding="utf-8-sig") as stream:
        return next(csv.reader(stream), [])
    return []


def _check_csv(file: str) -> None:
    """Refuses what pandas passes over: a column that is there twice, and a NUL, where it cuts a text off."""
    _refuse_doubled(_read_header(file), file)
    line = CSV_FIRST_LINE - 1
    with (gzip.open if _is_gzip(file) else open)(file, "rb") as stream:
        while data := stream.read(_SCAN_BYTES):
            before, nul, _ = data.partition(b"\0")
            line += before.count(b"\n")
            if nul:
                raise InputError(
                    f"{file}, line {line} must be UTF-8 text without NUL characters, got one; save the file "
                    "as UTF-8, or mend the line"
                )


def _read_csv(
    file: str | IO[bytes], number_columns: Sequence[str], first_line: int = CSV_FIRST_LINE
) -> pd.DataFrame:
    if isinstance(file, str):
        _check_csv(file)
    try:
        table = _parse_csv(file, number_columns)
    except (*BROKEN, *_MALFORMED):
        raise
    except ValueError:  # A number column holds something else: keep its text, so that it can be shown.
        table = _parse_csv(file, ())
    return _number_lines(table, first_line)


def _read_csv_blocks(file: str, number_columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    num_given = 0
    try:
        for plain in plain_csv.read_plain_blocks(file, number_columns, BLOCK_ROWS):
            table = arrow_tables.to_pandas(plain)
            first = CSV_FIRST_LINE + num_given * BLOCK_ROWS
            table.index = pd.RangeIndex(first, first + len(table), name=LINE)
            yield table
            num_given += 1
    except plain_csv.NotPlainError:  # The blocks before are read again and passed over.
        yield from itertools.islice(_read_any_csv_blocks(file, number_columns), num_given, None)


def _read_any_csv_blocks(file: str, number_columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    _check_csv(file)
    num_given = 0
    try:
        with _parse_csv(file, number_columns, BLOCK_ROWS) as blocks:
            for table in blocks:
                yield _number_lines(table, CSV_FIRST_LINE + num_given * BLOCK_ROWS)
                num_given += 1
    except (*BROKEN, *_MALFORMED):
        raise
    except ValueError:  # As in _read_csv; here, too, blocks are passed over.
        with _parse_csv(file, (), BLOCK_ROWS) as blocks:
            for index, table in itertools.islice(enumerate(blocks), num_given, None):
                yield _number_lines(table, CSV_FIRST_LINE + index * BLOCK_ROWS)


def _number_lines(table: pd.DataFrame, first: int) -> pd.DataFrame:
    if len(table) and not isinstance(table.index, pd.RangeIndex):
        raise pd.errors.ParserError("each line has more fields than the header")
    table.index = pd.RangeIndex(first, first + len(table), name=LINE)
    text = table.select_dtypes("object")
    blank = (text.isna() | (text == "")).all(axis=1) & (text.shape[1] == table.shape[1])
    return table[~blank]


def _parse_csv(file: str | IO[bytes], number_columns: Sequence[str], block_rows: int | None = None) -> Any:
    """Returns a table, or, where `block_rows` is given, an iterator of tables."""
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
        chunksize=block_rows,
        compression="gzip" if isinstance(file, str) and _is_gzip(file) else None,
    )


def _open_parquet(file: str) -> pq.ParquetFile:
    opened = pq.ParquetFile(io.BytesIO(object_store.read_object(file)) if "://" in file else file)
    _refuse_doubled(opened.schema_arrow.names, file)
    return opened


def _read_parquet(file: str, columns: Sequence[str]) -> pd.DataFrame:
    parquet = _open_parquet(file)
    chosen = [name for name in parquet.schema_arrow.names if name in columns]
    # pyarrow's threads may outlive the interpreter, which aborts then (seen with pyarrow 10).
    table = arrow_tables.to_pandas(parquet.read(chosen if columns else None, use_threads=False))
    table.index = pd.RangeIndex(PARQUET_FIRST_LINE, PARQUET_FIRST_LINE + len(table), name=LINE)
    return table


def _read_parquet_blocks(
    file: str, columns: Sequence[str], row_groups: Sequence[int] | None
) -> Iterator[pd.DataFrame]:
    first = PARQUET_FIRST_LINE
    with _open_parquet(file) as source:
        chosen = [name for name in source.schema_arrow.names if name in columns] if columns else None
        if row_groups is not None:
            first += sum(source.metadata.row_group(index).num_rows for index in range(row_groups[0]))
        for batch in source.iter_batches(BLOCK_ROWS, row_groups, chosen, use_threads=False):
            table = arrow_tables.to_pandas(pa.Table.from_batches([batch]))
            table.index = pd.RangeIndex(first, first + len(table), name=LINE)
            first += len(table)
            yield table
