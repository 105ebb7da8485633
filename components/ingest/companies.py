"""Company metadata: each ticker's sector."""

from __future__ import annotations

import os

import pandas as pd

from components import contract
from components.errors import InputError
from components.ingest import tables

METADATA_COLUMNS = (contract.TICKER, contract.SECTOR)


def read_sectors(metadata_path: str) -> dict[str, str]:
    """Reads each ticker's sector.

    Args:
      metadata_path: a CSV file with the columns ticker and sector; empty for none.
    Returns:
      Ticker -> sector. A ticker that is not among them has contract.UNKNOWN_SECTOR.
    Raises:
      InputError: the file cannot be read, lacks a column, or names a ticker twice.
    """
    return take_sectors(read_metadata(metadata_path), metadata_path) if metadata_path else {}


def read_metadata(metadata_path: str) -> pd.DataFrame:
    """Reads a file of company metadata as it stands; see tables.read_table.

    Raises:
      InputError: it is not there, or cannot be read.
    """
    check_metadata(metadata_path)
    return tables.read_table(metadata_path)


def check_metadata(metadata_path: str) -> None:
    """Refuses a file that is not there by its key: who gives bars alone has never heard of the default.

    Raises:
      InputError: it is not there.
    """
    if "://" not in metadata_path and not os.path.exists(metadata_path):
        raise InputError(
            f"source.metadata_path must name a file that is there, got {metadata_path}; give the file, or "
            "leave the key empty where no sectors are known"
        )


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
    if (nameless := tickers.fillna("") == "").any():
        raise InputError(
            f"{place} must name a ticker in each row, got none in line {tickers.index[nameless][0]}; add it, "
            "or take the row out"
        )
    if tickers.duplicated().any():
        line = tickers.index[tickers.duplicated()][0]
        raise InputError(
            f"{place} must name each ticker once, got {tickers[line]} again in line {line}; "
            "take one of them out"
        )
    sectors = table[contract.SECTOR].fillna("").str.strip().replace("", contract.UNKNOWN_SECTOR)
    return dict(zip(tickers, sectors, strict=True))
