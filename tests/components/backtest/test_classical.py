"""The forecasters without a library: pure of the past, monotone, right where the truth is known."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from components import contract
from components.backtest.classical import CLASSICAL, EwmaEmpirical, RandomWalk, learn_base_quantiles
from components.errors import InputError
from components.evaluate import baselines
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after

FIRST = contract.LOOKBACK
NUM_RETURNS = 400
TRAIN = {name: make_bars(draw_returns(900, seed), name) for seed, name in enumerate(("AAA", "BBB"))}
BARS = make_bars(draw_returns(NUM_RETURNS, 7), "CCC")

all_forecasters = pytest.mark.parametrize("forecaster", CLASSICAL, ids=lambda forecaster: forecaster.name)


@all_forecasters
def test_forecasts_are_pure_functions_of_the_past(forecaster):
    fitted = forecaster.fit(TRAIN)
    whole = fitted.forecast(BARS, FIRST)
    for day in (FIRST, FIRST + 1, FIRST + 77, len(BARS) - 2):
        changed = fitted.forecast(replace_after(BARS, day), FIRST)
        np.testing.assert_array_equal(changed[: day - FIRST + 1], whole[: day - FIRST + 1])
        assert (changed[day - FIRST + 1] != whole[day - FIRST + 1]).any(), "the next day does see its bar"


@all_forecasters
def test_a_history_cut_at_a_day_gives_that_days_forecast(forecaster):
    fitted = forecaster.fit(TRAIN)
    whole = fitted.forecast(BARS, FIRST)
    for day in (FIRST, FIRST + 50, len(BARS) - 1):
        cut = fitted.forecast(BARS.slice(0, day + 1), day)
        np.testing.assert_allclose(cut[0], whole[day - FIRST], rtol=1e-12)


@all_forecasters
def test_forecasts_are_quantiles(forecaster):
    quantiles = forecaster.fit(TRAIN).forecast(BARS, FIRST)
    assert quantiles.shape == (len(BARS) - FIRST, len(contract.HORIZONS), len(contract.QUANTILE_LEVELS))
    assert (np.diff(quantiles, axis=-1) > 0.0).all()
    widths = quantiles[..., -1] - quantiles[..., 0]
    assert (widths.mean(axis=0)[1:] > widths.mean(axis=0)[:-1]).all(), "further days are less certain"


def test_names_are_each_their_own():
    assert len({forecaster.name for forecaster in CLASSICAL}) == len(CLASSICAL) == 5


def test_random_walk_by_hand():
    bars = make_bars(np.tile([0.03, -0.01], 150))
    level = statistics.NormalDist().inv_cdf(0.95)
    plain = RandomWalk().forecast(bars, FIRST)[-1]
    assert plain[0, -1] == pytest.approx(level * math.sqrt(0.0005))
    assert plain[3, contract.MEDIAN_INDEX] == pytest.approx(0.0, abs=1e-15)
    drifting = RandomWalk(has_drift=True).forecast(bars, FIRST)[-1]
    assert drifting[3, contract.MEDIAN_INDEX] == pytest.approx(4 * 0.01)
    assert drifting[3, -1] == pytest.approx(4 * 0.01 + level * 0.02 * 2)


def test_base_quantiles_equal_the_slow_reference():
    found = learn_base_quantiles(TRAIN)
    slow = []
    for bars in TRAIN.values():
        volatility = baselines.ewma_volatility(bars.adj_close)
        for day in range(contract.LOOKBACK, len(bars) - 3):
            slow.append(math.log(bars.adj_close[day + 3] / bars.adj_close[day]) / volatility[day] / 3**0.5)
    assert found[2] == pytest.approx(np.quantile(slow, contract.QUANTILE_LEVELS))


def test_base_quantiles_do_not_know_what_comes_after_train():
    longer = {name: make_bars(draw_returns(1200, seed), name) for seed, name in enumerate(TRAIN)}
    cut = {name: bars.slice(0, len(TRAIN[name])) for name, bars in longer.items()}
    changed = {name: replace_after(bars, len(TRAIN[name]) - 1) for name, bars in longer.items()}
    changed = {name: bars.slice(0, len(TRAIN[name])) for name, bars in changed.items()}
    np.testing.assert_array_equal(learn_base_quantiles(cut), learn_base_quantiles(changed))


def test_too_little_to_learn_from():
    short = {"AAA": make_bars(draw_returns(contract.LOOKBACK + 4))}
    with pytest.raises(InputError, match="more than 265 bars to learn from, got none among 1; start the"):
        EwmaEmpirical().fit(short)
    enough = {"AAA": make_bars(draw_returns(contract.LOOKBACK + 5))}
    assert np.isfinite(learn_base_quantiles(enough)).all()
