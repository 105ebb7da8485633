"""Where bars come from: files, their column names and their fingerprint."""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from components import contract
from components.errors import InputError
from components.ingest import tables
from components.ingest.bars import is_day
from components.lake import lake_source

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
      path: a CSV or Parquet file, a folder of them (searched through) or a glob; or a lake that `marketcast
        ingest` has made: its folder, or its URL (s3://, minio:// or gs://).
      metadata_path: a CSV file with the columns ticker and sector; empty for none.
      columns: our column name -> the file's column name, where they differ; adj_close: '' passes the file's
        adjusted prices over.
      actions_path: a CSV or Parquet file of splits and dividends (see docs/data.md), by which adj_close is
        then computed from close; empty for none.
      known_on: read the lake as it was known on this day, YYYY-MM-DD; empty for all that it knows.
    """

    path: str = "data/raw/stock_prices.csv"
    metadata_path: str = "data/raw/company_metadata.csv"
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    actions_path: str = ""
    known_on: str = ""

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("source.path must name a file, a folder or a glob, got ''; give the bars' path")
        if self.known_on and not is_day(self.known_on):
            raise ValueError(
                f"source.known_on must be a day as 'YYYY-MM-DD', got {self.known_on!r}; write it so"
            )
        unknown = sorted(set(self.columns) - set(COLUMNS))
        if unknown:
            raise ValueError(
                f"source.columns must map names among {', '.join(COLUMNS)}, got {', '.join(unknown)}; "
                "the name on the left is ours, the name on the right is the file's"
            )
        if nameless := sorted(
            name for name in COLUMNS if not self.file_column(name) and name not in OPTIONAL_COLUMNS
        ):
            raise ValueError(
                f"source.columns must name the file's column, got '' for {', '.join(nameless)}; only "
                f"{', '.join(OPTIONAL_COLUMNS)} can be passed over"
            )
        theirs = [self.file_column(name) for name in COLUMNS]
        twice = sorted({name for name in theirs if theirs.count(name) > 1})
        if twice:
            raise ValueError(
                f"source.columns must give each column a name of its own, got {', '.join(twice)} twice; "
                "map each of ours to a different column of the file"
            )

    def built_in(self) -> dict[str, Any]:
        """What stands fast when a component is made, as JSON types; the other paths may come with a run."""
        return {"columns": dict(self.columns), "actions_path": self.actions_path, "known_on": self.known_on}

    def file_column(self, column: str) -> str:
        """Returns what the file calls one of our columns."""
        return self.columns.get(column, column)


def list_files(config: SourceConfig) -> list[str]:
    """Finds the files that a source stands for, in sorted order.

    Args:
      config: its path is a file, a folder (searched through; hidden files and those that start with an
        underscore are passed over), a glob, or a lake.
    Returns:
      Paths of CSV and Parquet files, at least one; of a lake in an object store URLs.
    Raises:
      InputError: nothing is there, or a day of knowledge is asked of what is no lake.
    """
    path = config.path
    if _is_lake(config):
        return lake_source.list_lake_files(path, config.known_on)
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
    """Returns a SHA-256 (hex) over all that is read: bars, metadata, actions, file and column names.

    A folder that moves as a whole keeps its fingerprint. A lake's depends on its bars alone, however they
    lie in files; they are not read for it.
    """
    digest = hashlib.sha256(json.dumps(dict(config.columns), sort_keys=True).encode())
    for name, content in _list_contents(config):
        digest.update(f"\n{name}\n{content}".encode())
    return digest.hexdigest()


def _is_lake(config: SourceConfig) -> bool:
    is_lake = lake_source.is_lake(config.path)
    if config.known_on and not is_lake:
        raise InputError(
            f"source.known_on must go with a lake, got {config.known_on} with {config.path}, which is none; "
            "leave it empty, or make a lake of the bars with `marketcast ingest`"
        )
    return is_lake


def _list_contents(config: SourceConfig) -> Iterator[tuple[str, str]]:
    """Name and fingerprint of everything that is read."""
    if _is_lake(config):
        yield "lake", lake_source.fingerprint_lake(config.path, config.known_on)
    else:
        files = list_files(config)
        folder = os.path.dirname(files[0]) if len(files) == 1 else os.path.commonpath(files)
        for file in files:
            yield os.path.relpath(file, folder or "."), _file_digest(file)
    if config.metadata_path:
        yield "metadata", _file_digest(config.metadata_path)
    if config.actions_path:
        yield "actions", _file_digest(config.actions_path)


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
      InputError: the file cannot be read, holds no rows, lacks a column, or has adj_close beside
        source.actions_path.
    """
    numbers = [config.file_column(name) for name in contract.BAR_COLUMNS]
    table = tables.read_table(file, numbers, [config.file_column(name) for name in COLUMNS])
    ours = {config.file_column(name): name for name in COLUMNS if config.file_column(name)}
    adj_close = config.file_column(contract.ADJ_CLOSE)
    if config.actions_path and adj_close in table:
        raise InputError(
            f"{file} must leave adj_close to {config.actions_path}, got a column {adj_close}; set "
            "source.columns.adj_close to '' and it is passed over, or leave source.actions_path empty"
        )
    optional = [name for name in OPTIONAL_COLUMNS if name not in config.columns]
    required = [theirs for theirs, name in ours.items() if name not in optional]
    missing = [theirs for theirs in required if theirs not in table]
    if missing:
        there = ", ".join(map(str, tables.read_table(file).columns))
        raise InputError(
            f"{file} must have the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}, got "
            f"{there}; name the file's columns in source.columns (ours: the file's)"
        )
    if table.empty:
        raise InputError(f"{file} must hold bars, got no rows; add bars, or take the file away")
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
