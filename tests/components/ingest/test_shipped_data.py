"""The shipped files are the ones that were checked in, and what SOURCE.md says of them holds."""

from __future__ import annotations

import hashlib

import pandas as pd

from components.ingest.source_config import COLUMNS
from tests.components.ingest.shipped import DATA_FOLDER


def test_checksums() -> None:
    lines = (DATA_FOLDER / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    assert set(sums) == {path.name for path in DATA_FOLDER.glob("*.csv")}
    for name, digest in sums.items():
        assert hashlib.sha256((DATA_FOLDER / name).read_bytes()).hexdigest() == digest


def test_prices_are_as_the_source_file_says() -> None:
    table = pd.read_csv(DATA_FOLDER / "stock_prices.csv")
    assert tuple(table.columns) == COLUMNS
    assert table["ticker"].value_counts().to_dict() == {
        "AAPL": 3270, "IBM": 3270, "MSFT": 3270, "GOOG": 2148, "FB": 196,
    }  # fmt: skip
    assert (table["date"].min(), table["date"].max()) == ("2000-03-01", "2013-03-01")


def test_each_ticker_has_metadata() -> None:
    prices = pd.read_csv(DATA_FOLDER / "stock_prices.csv")
    metadata = pd.read_csv(DATA_FOLDER / "company_metadata.csv")
    assert list(metadata.columns) == ["ticker", "name", "sector", "exchange", "currency"]
    assert set(metadata["ticker"]) == set(prices["ticker"])
    assert metadata.notna().all(axis=None)
