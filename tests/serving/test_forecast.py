"""serving.forecast and serving.forecast_report: typed answers and what is made of them."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from components import contract
from components.errors import ServingError
from serving.bars import take_latest_bars
from serving.forecast import read_forecast
from serving.forecast_report import describe_forecast, print_forecast
from tests.serving.sample_bars import make_frame

GRID = (2, len(contract.HORIZONS), len(contract.QUANTILE_LEVELS))


def make_outputs():
    returns = np.linspace(-0.05, 0.05, np.prod(GRID)).reshape(GRID).astype(np.float32)
    return {
        contract.RETURN_QUANTILES: returns,
        contract.PRICE_QUANTILES: np.array([100.0, 2000.0], np.float32)[:, None, None] * np.exp(returns),
        contract.LAST_CLOSE: np.array([100.0, 2000.0], np.float32),
        contract.QUANTILE_LEVELS_OUTPUT: np.array(contract.QUANTILE_LEVELS, np.float32),
        contract.HORIZONS_OUTPUT: np.array(contract.HORIZONS, np.int32),
        contract.MODEL_VERSION: np.array(b"abc", object),
    }


@pytest.fixture
def forecast():
    return read_forecast(make_outputs(), take_latest_bars(make_frame()), served_version=12)


def test_levels_are_the_decimal_numbers(forecast):
    assert forecast.levels.tolist() == list(contract.QUANTILE_LEVELS)


def test_to_frame_has_a_row_for_each_ticker_horizon_and_quantile(forecast):
    frame = forecast.to_frame()
    assert len(frame) == np.prod(GRID)
    row = frame[(frame.ticker == "S001") & (frame.horizon == 3) & (frame["quantile"] == 0.9)]
    assert row["price"].item() == forecast.price_quantiles[1, 2, 5]
    assert row["return"].item() == forecast.return_quantiles[1, 2, 5]
    assert str(row["as_of"].dt.date.item()) == str(forecast.as_of[1])
    assert row["model_version"].item() == "abc"


@pytest.mark.parametrize("name", list(make_outputs()))
def test_an_answer_without_an_output_is_refused(name):
    outputs = make_outputs()
    del outputs[name]
    with pytest.raises(ServingError, match="serve a model of marketcast"):
        read_forecast(outputs, take_latest_bars(make_frame()), 1)


def test_an_answer_for_other_tickers_is_refused():
    with pytest.raises(ServingError, match="must answer return_quantiles"):
        read_forecast(make_outputs(), take_latest_bars(make_frame(3)), 1)


def test_the_table_can_be_read(forecast):
    stream = io.StringIO()
    print_forecast(forecast, stream)
    text = stream.getvalue()
    assert f"S001  as of {forecast.as_of[1]}, last close 2,000.00" in text
    assert "median return" in text
    assert f"{forecast.price_quantiles[1, 4, 6]:,.2f}" in text
    assert "model abc, served as version 12" in text


def test_the_object_is_json(forecast):
    described = json.loads(json.dumps(describe_forecast(forecast), allow_nan=False))
    assert described["served_version"] == 12
    horizon = described["forecasts"][0]["horizons"][1]
    assert horizon["horizon"] == 2
    assert list(horizon["prices"]) == ["0.05", "0.10", "0.25", "0.50", "0.75", "0.90", "0.95"]
    assert horizon["median_return"] == pytest.approx(np.expm1(horizon["returns"]["0.50"]))
