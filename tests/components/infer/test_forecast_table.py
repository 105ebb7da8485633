"""components.infer.forecast_table: forecasts in long format, and their file."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from components import contract
from components.errors import ConfigError
from components.infer.forecast_table import ForecastArrays, make_table, write_table

SHAPE = (2, 5, 7)


@pytest.fixture
def table():
    prices = np.arange(70, dtype=np.float32).reshape(SHAPE)
    days = np.array(["2013-03-01", "2012-06-29"], "datetime64[D]")
    horizons, levels = np.array(contract.HORIZONS, np.int32), np.array(contract.QUANTILE_LEVELS)
    return make_table(ForecastArrays(("A", "B"), days, horizons, levels, prices, -prices, "v1"))


def test_each_price_has_its_row(table):
    assert list(table) == list(contract.FORECAST_COLUMNS)
    rows = table[(table["ticker"] == "B") & (table["horizon"] == 2) & (table["quantile"] == 0.25)]
    (row,) = rows.to_dict("records")
    assert row["price"] == 35 + 7 + 2
    assert row["return"] == -row["price"]
    assert (row["as_of"], row["model_version"]) == (pd.Timestamp("2012-06-29"), "v1")


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("f.parquet", pd.read_parquet),
        ("F.CSV", lambda path: pd.read_csv(path, parse_dates=["as_of"])),
    ],
)
def test_what_is_written_is_read(table, name, read, tmp_path):
    path = tmp_path / name
    path.write_text("yesterday's")
    write_table(table, str(path))
    pd.testing.assert_frame_equal(read(path), table, check_dtype=False)
    assert os.listdir(tmp_path) == [name]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_what_was_there(table, tmp_path):
    path = tmp_path / "f.parquet"
    path.write_text("yesterday's")
    with pytest.raises(ValueError, match="Could not convert"):
        write_table(table.assign(price=object()), str(path))
    assert os.listdir(tmp_path) == ["f.parquet"]
    assert path.read_text() == "yesterday's"


@pytest.mark.parametrize("name", ["f.xlsx", "parquet", "nowhere/f.csv", "folder.csv"])
def test_a_path_that_cannot_be_is_refused(table, name, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match="a file of forecasts must"):
        write_table(table, str(tmp_path / name))
