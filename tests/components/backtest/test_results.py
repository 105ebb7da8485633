"""Results: each forecast beside what came true, in files that are whole or absent."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow.parquet as pq
import pytest

from components import contract
from components.backtest import results
from components.backtest.results import Part
from components.errors import InputError
from components.evaluate import baselines
from tests.components.backtest.price_paths import draw_returns, make_bars

BARS = make_bars(draw_returns(300), "AAA", "2001-01-01")
FIRST = 290
PART = Part("2001-10-18", "garch", 3)
QUANTILES = np.sort(np.random.default_rng(0).normal(0.0, 0.02, (8, 5, 7)), axis=-1)


def test_rows_hold_forecasts_beside_what_came():
    rows = results.make_rows(PART, BARS, FIRST, QUANTILES).to_pylist()
    third = [row for row in rows if row[contract.HORIZON] == 3]
    assert len(third) == 8 and len(rows) == 8 + 8 + 8 + 7 + 6, "days that have not come are left out"
    row = third[2]
    assert row[results.ORIGIN] == datetime.date(2001, 1, 1) + datetime.timedelta(292)
    assert row[contract.DATE] - row[results.ORIGIN] == datetime.timedelta(3)
    assert row[results.ACTUAL] == pytest.approx(np.log(BARS.adj_close[295] / BARS.adj_close[292]), rel=1e-5)
    assert [row[name] for name in results.QUANTILE_COLUMNS] == pytest.approx(QUANTILES[2, 2], rel=1e-6)
    assert row[contract.CLOSE] == BARS.close[292]
    assert row[contract.VOLATILITY] == pytest.approx(baselines.ewma_volatility(BARS.adj_close)[292], rel=1e-6)
    assert (row[contract.TICKER], row[results.MODEL], row[results.SEED]) == ("AAA", "garch", 3)
    assert row[results.FOLD] == datetime.date(2001, 10, 18)


def test_parts_are_read_back_in_order(tmp_path):
    for part in (PART, Part("2001-10-18", "ewma_normal")):
        assert not results.has_part(tmp_path, part)
        results.write_part(tmp_path, part, results.make_rows(part, BARS, FIRST, QUANTILES))
        assert results.has_part(tmp_path, part)
    (tmp_path / "2001-10-18" / "gjr-0.unfinished").write_bytes(b"cut off")
    table = results.read_results(tmp_path)
    assert table.schema == results.SCHEMA
    assert table[results.MODEL].to_pylist() == ["ewma_normal"] * 37 + ["garch"] * 37
    assert table[contract.HORIZON].to_pylist()[:6] == [1, 2, 3, 4, 5, 1]


def test_an_interrupted_write_leaves_no_part(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pq, "write_table", stop)
    with pytest.raises(KeyboardInterrupt):
        results.write_part(tmp_path, PART, results.make_rows(PART, BARS, FIRST, QUANTILES))
    assert not results.has_part(tmp_path, PART)


def test_a_folder_without_results(tmp_path):
    with pytest.raises(InputError, match="must hold results of a backtest, got none; make them with"):
        results.read_results(tmp_path)
    (tmp_path / "2001-10-18").mkdir()
    (tmp_path / "2001-10-18" / "garch-0.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"garch-0.parquet must be a file that `marketcast backtest` wrote"):
        results.read_results(tmp_path)
