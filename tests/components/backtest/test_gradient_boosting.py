"""LightGBM's quantiles: pure of the past, labels known to the train bars only, better where a day tells."""

from __future__ import annotations

import numpy as np
import pytest

from components import contract
from components.backtest.classical import EwmaEmpirical
from components.backtest.gradient_boosting import GradientBoosting, cut_examples
from components.evaluate import baselines
from components.evaluate.metrics import pinball
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after

pytestmark = pytest.mark.tf
FIRST = contract.LOOKBACK
BARS = make_bars(draw_returns(400, 7), "AAA")


def draw_planted(num_days: int, seed: int) -> np.ndarray:
    """Returns that are large after a rise and small after a fall; an average of past sizes cannot know."""
    rng = np.random.default_rng(seed)
    returns = np.empty(num_days)
    rose = True
    for day in range(num_days):
        returns[day] = rng.normal(0.0, 0.02 if rose else 0.005)
        rose = returns[day] > 0.0
    return returns


@pytest.fixture(name="train", scope="module")
def fixture_train():
    return {name: make_bars(draw_planted(1500, seed), name) for seed, name in enumerate(("AAA", "BBB"))}


@pytest.fixture(name="fitted", scope="module")
def fixture_fitted(train):
    return GradientBoosting().fit(train)


def test_forecasts_are_pure_functions_of_the_past(fitted):
    whole = fitted.forecast(BARS, FIRST)
    assert whole.shape == (len(BARS) - FIRST, 5, 7)
    assert np.isfinite(whole).all() and (np.diff(whole, axis=-1) >= 0.0).all()
    for day in (FIRST, FIRST + 77, len(BARS) - 2):
        changed = fitted.forecast(replace_after(BARS, day), FIRST)
        np.testing.assert_array_equal(changed[: day - FIRST + 1], whole[: day - FIRST + 1])
        assert (changed[day - FIRST + 1] != whole[day - FIRST + 1]).any(), "the next day does see its bar"


def test_what_a_day_tells_is_learnt(train, fitted):
    later = make_bars(draw_planted(1500, 9), "NEW")
    log_price = np.log(later.adj_close)
    actual = (log_price[FIRST + 1 :] - log_price[FIRST:-1])[:, np.newaxis]

    def lose(model):
        return pinball(actual[:, 0], model.forecast(later, FIRST)[:-1, 0], baselines.LEVELS).mean()

    assert lose(fitted) < 0.95 * lose(EwmaEmpirical().fit(train))


def test_equal_bars_give_equal_bits(train, fitted):
    again = GradientBoosting().fit(train)
    np.testing.assert_array_equal(again.forecast(BARS, FIRST), fitted.forecast(BARS, FIRST))


def test_a_day_whose_labels_are_not_all_known_teaches_nothing(train):
    own = train["AAA"]
    features, labels = cut_examples(own)
    assert len(features) == len(own) - FIRST - 5
    last = len(own) - 6
    log_price = np.log(own.adj_close)
    scale = baselines.ewma_volatility(own.adj_close)[last] * np.sqrt(5)
    assert labels[-1, 4] == pytest.approx((log_price[last + 5] - log_price[last]) / scale)
    shorter, fewer = cut_examples(own.slice(0, len(own) - 1))
    np.testing.assert_allclose(shorter, features[:-1], atol=1e-5)
    np.testing.assert_array_equal(fewer, labels[:-1])
