"""Where bars come from: files, their column names and their fingerprint."""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from components import contract
from components.errors import InputError
from components.ingest import tables

TEXT_COLUMNS = (contract.TICKER, contract.DATE)
OPTIONAL_COLUMNS = (contract.ADJ_CLOSE,)
"""Without it, `close` is taken to be adjusted already; a name given for it must be there."""
COLUMNS = (*TEXT_COLUMNS, *contract.BAR_COLUMNS)
METADATA_COLUMNS = (contract.TICKER, contract.SECTOR)
READ_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class SourceConfig:
    """Where the bars and the company metadata are.

    Attributes:
      path: a CSV or Parquet file, a folder of them (searched through) or a glob.
      metadata_path: a CSV file with the columns ticker and sector; empty for none.
      columns: our column name -> the file's column name, where they differ.
    """

    path: str = "data/raw/stock_prices.csv"
    metadata_path: str = "data/raw/company_metadata.csv"
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("source.path must name a file, a folder or a glob, got ''; give the bars' path")
        unknown = sorted(set(self.columns) - set(COLUMNS))
        if unknown:
            raise ValueError(
                f"source.columns must map names among {', '.join(COLUMNS)}, got {', '.join(unknown)}; "
                "the name on the left is ours, the name on the right is the file's"
            )
        theirs = [self.file_column(name) for name in COLUMNS]
        twice = sorted({name for name in theirs if theirs.count(name) > 1})
        if twice:
            raise ValueError(
                f"source.columns must give each column a name of its own, got {', '.join(twice)} twice; "
                "map each of ours to a different column of the file"
            )

    def file_column(self, column: str) -> str:
        """Returns what the file calls one of our columns."""
        return self.columns.get(column, column)


def list_files(path: str) -> list[str]:
    """Finds the files that a path stands for, in sorted order.

    Args:
      path: a file, a folder (searched through; hidden files and those that start with an underscore
        are passed over) or a glob.
    Returns:
      Paths of CSV and Parquet files, at least one.
    Raises:
      InputError: nothing is there.
    """
    if os.path.isdir(path):
        found = glob.glob(os.path.join(glob.escape(path), "**", "[!._]*"), recursive=True)
    elif os.path.isfile(path):
        found = [path]
    else:
        found = glob.glob(path, recursive=True)
    files = sorted(name for name in found if os.path.isfile(name) and name.lower().endswith(tables.SUFFIXES))
    if not files:
        raise InputError(
            f"source.path must lead to files that end in {', '.join(tables.SUFFIXES)}, got '{path}', where "
            "there are none; check the path, which may be a file, a folder or a glob"
        )
    return files


def fingerprint(config: SourceConfig) -> str:
    """Returns a SHA-256 (hex) over all that is read: bars, metadata, file names and column names.

    A folder that moves as a whole keeps its fingerprint.
    """
    files = list_files(config.path)
    folder = os.path.dirname(files[0]) if len(files) == 1 else os.path.commonpath(files)
    named = [(os.path.relpath(file, folder or "."), file) for file in files]
    if config.metadata_path:
        named.append(("metadata", config.metadata_path))
    digest = hashlib.sha256(json.dumps(dict(config.columns), sort_keys=True).encode())
    for name, file in named:
        digest.update(f"\n{name}\n{_file_digest(file)}".encode())
    return digest.hexdigest()


def _file_digest(file: str) -> str:
    digest = hashlib.sha256()
    try:
        with open(file, "rb") as stream:
            while block := stream.read(READ_BYTES):
                digest.update(block)
    except OSError as error:
        raise InputError(
            f"{file} must be a readable file, got {error}; check its path and permissions"
        ) from error
    return digest.hexdigest()


def read_rows(file: str, config: SourceConfig) -> pd.DataFrame:
    """Reads one file's bars, unchecked.

    Args:
      file: a CSV or Parquet file.
      config: tells the file's column names.
    Returns:
      A table under our column names, adj_close where the file has it, indexed by `line` (see
      tables.read_table).
    Raises:
      InputError: the file cannot be read, holds no rows, or lacks a column.
    """
    table = _name_columns(tables.read_table(file, _number_columns(config)), file, config)
    if table.empty:
        raise _no_rows(file)
    return table


def read_row_blocks(
    file: str, config: SourceConfig, row_groups: Sequence[int] | None = None
) -> Iterator[pd.DataFrame]:
    """Reads what read_rows reads, block by block.

    Args:
      file: a CSV or Parquet file.
      config: tells the file's column names.
      row_groups: of a Parquet file, those to read, in ascending order; None reads all.
    Returns:
      Tables as read_rows gives them, of at most tables.BLOCK_ROWS rows.
    Raises:
      InputError: as read_rows does, when it comes to it.
    """
    num_rows = 0
    for table in tables.read_blocks(file, _number_columns(config), row_groups):
        num_rows += len(table)
        yield _name_columns(table, file, config)
    if not num_rows and row_groups is None:
        raise _no_rows(file)


def _number_columns(config: SourceConfig) -> list[str]:
    return [config.file_column(name) for name in contract.BAR_COLUMNS]


def _no_rows(file: str) -> InputError:
    return InputError(f"{file} must hold bars, got no rows; add bars, or take the file away")


def _name_columns(table: pd.DataFrame, file: str, config: SourceConfig) -> pd.DataFrame:
    """Returns the columns that are ours, under our names.

    Raises:
      InputError: one is missing.
    """
    ours = {config.file_column(name): name for name in COLUMNS}
    optional = [name for name in OPTIONAL_COLUMNS if name not in config.columns]
    required = [theirs for theirs, name in ours.items() if name not in optional]
    missing = [theirs for theirs in required if theirs not in table]
    if missing:
        raise InputError(
            f"{file} must have the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}, got "
            f"{', '.join(map(str, table.columns))}; name the file's columns in source.columns "
            "(ours: the file's)"
        )
    return table[[theirs for theirs in ours if theirs in table]].rename(columns=ours)


def read_original(file: str, lines: Collection[int]) -> pd.DataFrame:
    """Reads some lines of a file as they stand: every column, as text, indexed by `line`."""
    wanted = np.fromiter(lines, np.int64, len(lines))
    found = [table[np.isin(table.index.to_numpy(), wanted)] for table in tables.read_blocks(file)]
    return pd.concat([table.astype(str) for table in found])


def read_sectors(metadata_path: str) -> dict[str, str]:
    """Reads each ticker's sector.

    Args:
      metadata_path: a CSV file with the columns ticker and sector; empty for none.
    Returns:
      Ticker -> sector. A ticker that is not among them has contract.UNKNOWN_SECTOR.
    Raises:
      InputError: the file cannot be read, lacks a column, or names a ticker twice.
    """
    if not metadata_path:
        return {}
    table = tables.read_table(metadata_path)
    if missing := [name for name in METADATA_COLUMNS if name not in table]:
        raise InputError(
            f"{metadata_path} must have the column {missing[0]}, got {', '.join(map(str, table.columns))}; "
            "add it, or leave source.metadata_path empty"
        )
    tickers = table[contract.TICKER].str.strip()
    if tickers.duplicated().any():
        line = tickers.index[tickers.duplicated()][0]
        raise InputError(
            f"{metadata_path} must name each ticker once, got {tickers[line]} again in line {line}; "
            "take one of them out"
        )
    sectors = table[contract.SECTOR].fillna("").str.strip().replace("", contract.UNKNOWN_SECTOR)
    return dict(zip(tickers, sectors, strict=True))
