"""What the page draws, unpacked by other means than the page's, beside the rows it came from."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from components import contract
from components.backtest import results
from components.report import fans
from tests.components.backtest.random_results import HORIZONS, TICKERS, draw_table

KEYS = (results.MODEL, results.SEED, contract.TICKER, results.ORIGIN, contract.HORIZON)


@pytest.fixture(name="table", scope="module")
def fixture_table():
    return draw_table().sort_by([(key, "ascending") for key in KEYS])


def unpack(packed, ticker, horizon):
    own = packed["tickers"][ticker]
    read = {
        name: np.frombuffer(base64.b64decode(own[name]), kind)
        for name, kind in (("origins", "<i4"), ("closes", "<f4"))
    }
    cells = np.frombuffer(base64.b64decode(own["horizons"][str(horizon)]), "<i2").reshape(-1, 9)
    return read["origins"], read["closes"], cells


def test_every_forecast_of_the_lowest_seed_is_there(table):
    packed = fans.pack_fans(table)
    assert list(packed["tickers"]) == sorted(TICKERS) and packed["days"] is None
    found = {}
    for ticker in TICKERS:
        for horizon in HORIZONS:
            origins, closes, cells = unpack(packed, ticker, horizon)
            for origin, close, row in zip(origins.tolist(), closes, cells, strict=True):
                found[ticker, horizon, np.datetime64(origin, "D").item()] = (close, row)
    expected = [
        row
        for row in table.to_pylist()
        if row[results.MODEL] == contract.MODEL_NAME and row[results.SEED] == 1
    ]
    assert len(found) == len(expected) > 500
    for row in expected:
        close, cells = found[row[contract.TICKER], row[contract.HORIZON], row[results.ORIGIN]]
        assert close == pytest.approx(row[contract.CLOSE], rel=1e-6)
        returns = [row[name] for name in (*results.QUANTILE_COLUMNS, results.ACTUAL)]
        assert cells[:-1] * fans.RETURN_UNIT == pytest.approx(returns, abs=0.51 * fans.RETURN_UNIT)
        assert cells[-1] == (row[contract.DATE] - row[results.ORIGIN]).days


def test_a_day_without_a_forecast_at_one_horizon_is_marked(table):
    last = max(table[results.ORIGIN].to_pylist())
    is_kept = [
        not (row[contract.HORIZON] == 3 and row[results.ORIGIN] == last and row[contract.TICKER] == "AAA")
        for row in table.to_pylist()
    ]
    packed = fans.pack_fans(table.filter(is_kept))
    assert (unpack(packed, "AAA", 3)[2][-1] == fans.MISSING).all()
    assert (unpack(packed, "AAA", 1)[2][-1] != fans.MISSING).all()


def test_of_too_many_the_last_days_of_each_ticker_stay(table):
    packed = fans.pack_fans(table, max_forecasts=20 * len(TICKERS) * len(HORIZONS))
    assert packed["days"] == 20
    whole = fans.pack_fans(table)
    for ticker in TICKERS:
        for kept, all_days in zip(unpack(packed, ticker, 1), unpack(whole, ticker, 1), strict=True):
            assert len(kept) == 20 and np.array_equal(kept, all_days[-20:])


def test_a_move_past_what_can_be_packed_is_not_taken_for_a_gap(table):
    at = table.schema.get_field_index(results.ACTUAL)
    crashed = table.set_column(at, table.schema.field(at), [np.full(table.num_rows, -9.0, np.float32)])
    cells = unpack(fans.pack_fans(crashed), "AAA", 1)[2]
    assert set(cells[:, 7].tolist()) == {fans.MISSING + 1}
