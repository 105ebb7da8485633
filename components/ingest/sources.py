"""Where bars come from, what their columns are called, and the fingerprint of files."""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import os
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from components import contract
from components.database.config import DatabaseConfig
from components.errors import InputError
from components.ingest import tables

TEXT_COLUMNS = (contract.TICKER, contract.DATE)
OPTIONAL_COLUMNS = (contract.ADJ_CLOSE,)
"""Without it, `close` is taken to be adjusted already; a name given for it must be there."""
COLUMNS = (*TEXT_COLUMNS, *contract.BAR_COLUMNS)
METADATA_COLUMNS = (contract.TICKER, contract.SECTOR)
READ_BYTES = 1 << 20
FILES = "files"
POSTGRES = "postgres"
KINDS = (FILES, POSTGRES)
DATABASE_PLACE = "postgres:bars"
"""What messages call the rows of `query`."""
BARS_QUERY = "SELECT ticker, date, open, high, low, close, adj_close, volume FROM marketcast.bars"
COMPANIES_QUERY = "SELECT ticker, sector FROM marketcast.companies"
_DATABASE_KEYS = ("kind", "query", "metadata_query", "partitions")


@dataclasses.dataclass(frozen=True)
class SourceConfig:
    """Where the bars and the company metadata are.

    Attributes:
      path: a CSV or Parquet file, a folder of them (searched through) or a glob.
      metadata_path: a CSV file with the columns ticker and sector; empty for none.
      columns: our column name -> the file's or query's column name, where they differ.
      kind: files, or postgres for the rows of `query`; the paths then say nothing.
      query: SELECT of the bars, in the database of the section `database`.
      metadata_query: SELECT of ticker and sector there; empty for none.
      partitions: ranges of tickers in which the rows are read, one worker each, at least 1.
      database: the server, which the section of that name is read into.
    """

    path: str = "data/raw/stock_prices.csv"
    metadata_path: str = "data/raw/company_metadata.csv"
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    kind: str = FILES
    query: str = BARS_QUERY
    metadata_query: str = COMPANIES_QUERY
    partitions: int = 8
    database: DatabaseConfig = dataclasses.field(default_factory=DatabaseConfig, metadata={"is_key": False})

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("source.path must name a file, a folder or a glob, got ''; give the bars' path")
        if self.kind not in KINDS:
            raise ValueError(f"source.kind must be one of {', '.join(KINDS)}, got {self.kind!r}; choose one")
        if not self.query.strip():
            raise ValueError("source.query must be a SELECT, got ''; leave it out for marketcast.bars")
        if self.partitions < 1:
            raise ValueError(f"source.partitions must be at least 1, got {self.partitions}; 8 suits most")
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

    @property
    def place(self) -> str:
        """What messages call it."""
        return self.path if self.kind == FILES else DATABASE_PLACE

    def at_files(self, path: str) -> SourceConfig:
        """The same, but of these files."""
        return dataclasses.replace(self, path=path, kind=FILES)

    def without_sectors(self) -> SourceConfig:
        """The same without sectors, which slice the evaluation only and change no forecast."""
        return dataclasses.replace(self, metadata_path="", metadata_query="")

    def to_properties(self) -> dict[str, Any]:
        """What a component keeps of it, as JSON types: all but the paths, which a run may change."""
        properties: dict[str, Any] = {"columns": dict(self.columns)}
        if self.kind != FILES:
            properties |= {name: getattr(self, name) for name in _DATABASE_KEYS}
            properties["database"] = dataclasses.asdict(self.database)
        return properties

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any], path: str, metadata_path: str) -> SourceConfig:
        """Takes what to_properties, or dataclasses.asdict, gave, with the paths of the run.

        Raises:
          ValueError: a path is wrong.
        """
        kept = {name: properties[name] for name in ("columns", *_DATABASE_KEYS) if name in properties}
        database = DatabaseConfig(**properties.get("database", {}))
        return cls(path=path, metadata_path=metadata_path, database=database, **kept)

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
    return take_columns(tables.read_table(file, number_columns(config)), file, config)


def number_columns(config: SourceConfig) -> list[str]:
    """The columns that are to hold numbers, as the source calls them."""
    return [config.file_column(name) for name in contract.BAR_COLUMNS]


def take_columns(table: pd.DataFrame, place: str, config: SourceConfig) -> pd.DataFrame:
    """Gives a table our column names; see read_rows.

    Args:
      table: under the source's column names.
      place: what messages call it.
      config: tells the names.
    Raises:
      InputError: there are no rows, or a column is missing.
    """
    ours = {config.file_column(name): name for name in COLUMNS}
    optional = [name for name in OPTIONAL_COLUMNS if name not in config.columns]
    required = [theirs for theirs, name in ours.items() if name not in optional]
    missing = [theirs for theirs in required if theirs not in table]
    if missing:
        raise InputError(
            f"{place} must have the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}, got "
            f"{', '.join(map(str, table.columns))}; name the file's columns in source.columns "
            "(ours: the file's)"
        )
    if table.empty:
        raise InputError(f"{place} must hold bars, got no rows; add bars, or take the file away")
    return table[[theirs for theirs in ours if theirs in table]].rename(columns=ours)


def read_original(file: str, lines: Collection[int]) -> pd.DataFrame:
    """Reads some lines of a file as they stand: every column, as text, indexed by `line`."""
    table = tables.read_table(file)
    return table[np.isin(table.index.to_numpy(), list(lines))].astype(str)


def read_sectors(metadata_path: str) -> dict[str, str]:
    """Reads each ticker's sector.

    Args:
      metadata_path: a CSV file with the columns ticker and sector; empty for none.
    Returns:
      Ticker -> sector. A ticker that is not among them has contract.UNKNOWN_SECTOR.
    Raises:
      InputError: the file cannot be read, lacks a column, or names a ticker twice.
    """
    return take_sectors(tables.read_table(metadata_path), metadata_path) if metadata_path else {}


def take_sectors(table: pd.DataFrame, place: str) -> dict[str, str]:
    """Takes each ticker's sector out of a table of text; see read_sectors.

    Args:
      table: with METADATA_COLUMNS.
      place: what messages call it.
    Raises:
      InputError: it lacks a column, or names a ticker twice.
    """
    if missing := [name for name in METADATA_COLUMNS if name not in table]:
        raise InputError(
            f"{place} must have the column {missing[0]}, got {', '.join(map(str, table.columns))}; "
            "add it, or leave source.metadata_path empty"
        )
    tickers = table[contract.TICKER].str.strip()
    if tickers.duplicated().any():
        line = tickers.index[tickers.duplicated()][0]
        raise InputError(
            f"{place} must name each ticker once, got {tickers[line]} again in line {line}; "
            "take one of them out"
        )
    sectors = table[contract.SECTOR].fillna("").str.strip().replace("", contract.UNKNOWN_SECTOR)
    return dict(zip(tickers, sectors, strict=True))
