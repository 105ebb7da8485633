"""Bars in files: which there are, their fingerprint, and their rows under our column names."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from components import contract
from components.errors import InputError
from components.ingest import companies, tables
from components.ingest.source_config import COLUMNS, OPTIONAL_COLUMNS, SourceConfig
from components.lake import lake_source
from components.reuse import keys

LAKE = "lake"

ListColumns = Callable[[], Iterable[str]]


def list_files(config: SourceConfig) -> list[str]:
    """Finds the files that a source stands for, in sorted order.

    Args:
      config: its path is a file, a folder (searched through; hidden files and those that start with an
        underscore are passed over), a glob, or a lake.
    Returns:
      Paths of CSV and Parquet files, at least one; of a lake in an object store URLs.
    Raises:
      InputError: nothing is there, a folder cannot be read, or a day of knowledge is asked of no lake.
    """
    path = config.path
    if _is_lake(config):
        return lake_source.list_lake_files(path, config.known_on)
    if os.path.isdir(path):
        found = list(_walk(path))
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


def _walk(folder: str) -> Iterator[str]:
    """Gives all files in a folder but hidden ones and those that start with an underscore."""

    def refuse(error: OSError) -> None:
        raise InputError(
            f"source.path must be a folder that can be read with all in it, got {error.filename}: "
            f"{error.strerror}; mend its permissions, or give the files with a glob"
        ) from error

    for path, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(path, name) for name in files if not name.startswith((".", "_")))


def fingerprint(config: SourceConfig) -> str:
    """Returns a SHA-256 (hex) over all that is read: bars, metadata, actions, file and column names.

    A folder that moves as a whole keeps its fingerprint. A lake's depends on its bars alone, however they
    lie in files; they are not read for it.
    """
    others = digest_others(config)
    files = [] if LAKE in others else list_files(config)
    return join_digests(config, {file: digest_file(file) for file in files}, others)


def join_digests(config: SourceConfig, bars: Mapping[str, str], others: Mapping[str, str]) -> str:
    """Returns the fingerprint of what has been digested.

    Args:
      config: the source.
      bars: file -> what digest_file gave; nothing of a lake.
      others: what digest_others gave.
    """
    files = sorted(bars)
    folder = os.path.dirname(files[0]) if len(files) == 1 else os.path.commonpath(files or ["."])
    named = {os.path.relpath(file, folder or "."): bars[file] for file in files}
    columns = {name: theirs for name, theirs in config.columns.items() if config.file_column(name) == theirs}
    digest = hashlib.sha256(json.dumps(columns, sort_keys=True).encode())
    for name, content in [*named.items(), *others.items()]:
        digest.update(f"\n{name}\n{content}".encode())
    return digest.hexdigest()


def digest_others(config: SourceConfig) -> dict[str, str]:
    """Returns name -> digest, of all that is read but files of bars: the lake, metadata and actions."""
    digests = {}
    if _is_lake(config):
        digests[LAKE] = lake_source.fingerprint_lake(config.path, config.known_on)
    if config.metadata_path:
        companies.check_metadata(config.metadata_path)
        digests["metadata"] = digest_file(config.metadata_path)
    if config.actions_path:
        digests["actions"] = digest_file(config.actions_path)
    return digests


def _is_lake(config: SourceConfig) -> bool:
    is_lake = config.is_lake
    if config.known_on and not is_lake:
        raise InputError(
            f"source.known_on must go with a lake, got {config.known_on} with {config.path}, which is none; "
            "leave it empty, or make a lake of the bars with `marketcast ingest`"
        )
    return is_lake


def digest_file(file: str) -> str:
    """Returns the SHA-256 (hex) of a file.

    Raises:
      InputError: it cannot be read.
    """
    try:
        return keys.digest_file(file)
    except OSError as error:
        raise InputError(
            f"{file} must be a readable file, got {error}; check its path and permissions"
        ) from error


def measure_file(file: str) -> int:
    """Returns a file's bytes.

    Raises:
      InputError: it is not there, though it was listed, as by a lake.
    """
    try:
        return os.path.getsize(file)
    except OSError as error:
        raise InputError(f"{file} must be there, got {error.strerror}; put it back from a copy") from error


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
    table = tables.read_table(file, number_columns(config), file_columns(config))
    return take_columns(table, file, config, lambda: tables.read_table(file).columns)


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
    for table in tables.read_blocks(file, number_columns(config), file_columns(config), row_groups):
        num_rows += len(table)
        yield name_columns(table, file, config, lambda: tables.read_table(file).columns)
    if not num_rows and row_groups is None:
        raise _no_rows(file)


def number_columns(config: SourceConfig) -> list[str]:
    """The columns that are to hold numbers, as the source calls them."""
    return [config.file_column(name) for name in contract.BAR_COLUMNS if config.file_column(name)]


def file_columns(config: SourceConfig) -> list[str]:
    """All columns that are read, as the source calls them."""
    return [config.file_column(name) for name in COLUMNS]


def take_columns(
    table: pd.DataFrame, place: str, config: SourceConfig, list_columns: ListColumns | None = None
) -> pd.DataFrame:
    """Gives a table our column names; see read_rows.

    Args:
      table: under the source's column names.
      place: what messages call it.
      config: tells the names.
      list_columns: all names that are there, for a message, where the table has but some of them.
    Raises:
      InputError: there are no rows, a column is missing, or adj_close is there beside source.actions_path.
    """
    named = name_columns(table, place, config, list_columns)
    if named.empty:
        raise _no_rows(place)
    return named


def _no_rows(place: str) -> InputError:
    return InputError(f"{place} must hold bars, got no rows; add bars, or take the file away")


def name_columns(
    table: pd.DataFrame, place: str, config: SourceConfig, list_columns: ListColumns | None = None
) -> pd.DataFrame:
    """Does what take_columns does, but there may be no rows."""
    ours = {config.file_column(name): name for name in COLUMNS if config.file_column(name)}
    adj_close = config.file_column(contract.ADJ_CLOSE)
    if config.actions_path and adj_close in table:
        raise InputError(
            f"{place} must leave adj_close to {config.actions_path}, got a column {adj_close}; set "
            "source.columns.adj_close to '' and it is passed over, or leave source.actions_path empty"
        )
    optional = [name for name in OPTIONAL_COLUMNS if name not in config.columns]
    required = [theirs for theirs, name in ours.items() if name not in optional]
    missing = [theirs for theirs in required if theirs not in table]
    if missing:
        there = ", ".join(map(str, list_columns() if list_columns else table.columns))
        raise InputError(
            f"{place} must have the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}, got "
            f"{there}; name the file's columns in source.columns (ours: the file's)"
        )
    return table[[theirs for theirs in ours if theirs in table]].rename(columns=ours)


def read_original(file: str, lines: Collection[int]) -> pd.DataFrame:
    """Reads some lines of a file as they stand: every column, as text, indexed by `line`."""
    wanted = np.fromiter(lines, np.int64, len(lines))
    found = [table[np.isin(table.index.to_numpy(), wanted)] for table in tables.read_blocks(file)]
    return pd.concat([table.astype(str) for table in found])
