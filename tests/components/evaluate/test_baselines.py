"""The rivals: against slow references, numbers by hand, and no look into the future."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import contract
from components.evaluate import baselines


def _prices(num_bars: int, seed: int = 0) -> np.ndarray:
    return np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.02, num_bars)))


def _slow_volatility(prices: np.ndarray, day: int) -> float:
    weighted, weights = 0.0, 0.0
    for back in range(baselines.EWMA_DAYS):
        if day - back >= 1:
            weight = baselines.EWMA_DECAY**back
            weighted += weight * math.log(prices[day - back] / prices[day - back - 1]) ** 2
            weights += weight
    return max(math.sqrt(weighted / weights), baselines.VOLATILITY_FLOOR)


def test_ewma_volatility_by_hand() -> None:
    volatility = baselines.ewma_volatility(np.exp([0.0, 0.01, -0.01]))
    expected = [0.002, 0.01, math.sqrt((0.0004 + 0.94 * 0.0001) / 1.94)]
    assert volatility == pytest.approx(expected)


def test_ewma_volatility_equals_the_slow_reference() -> None:
    prices = _prices(320)
    volatility = baselines.ewma_volatility(prices)
    for day in range(1, len(prices)):
        assert volatility[day] == pytest.approx(_slow_volatility(prices, day), rel=1e-12)


def test_ewma_volatility_of_a_halted_ticker_is_the_floor() -> None:
    assert baselines.ewma_volatility(np.ones(300)).tolist() == [baselines.VOLATILITY_FLOOR] * 300


def test_historical_by_hand() -> None:
    # Daily log returns of 1, 2, 3 ... basis points: the last 250 one-day ones are 11 .. 260.
    prices = np.exp(np.cumsum(np.arange(261)) * 1e-4)
    quantiles = baselines.historical(prices, 1)
    assert quantiles[0, 0, contract.MEDIAN_INDEX] == pytest.approx(135.5e-4)
    assert quantiles[0, 0, 0] == pytest.approx((11 + 0.05 * 249) * 1e-4)
    # A two-day return is the sum of two: 2n - 1 for the day n, the last 250 of them to day 260.
    assert quantiles[0, 1, contract.MEDIAN_INDEX] == pytest.approx((2 * 135.5 - 1) * 1e-4)


def test_historical_equals_the_slow_reference() -> None:
    prices = _prices(300)
    quantiles = baselines.historical(prices, 40)
    for row, day in enumerate(range(260, 300)):
        for column, horizon in enumerate(contract.HORIZONS):
            ends = range(day - baselines.HISTORY_DAYS + 1, day + 1)
            sample = [math.log(prices[end] / prices[end - horizon]) for end in ends]
            expected = np.quantile(sample, contract.QUANTILE_LEVELS)
            assert quantiles[row, column] == pytest.approx(expected, abs=1e-12)


def test_a_chunk_has_context_enough() -> None:
    assert baselines.historical(_prices(contract.LOOKBACK + 1), 1).shape == (1, 5, 7)
    longest = max(contract.HORIZONS)
    with pytest.raises(ValueError, match="at least 255 bars, got 254"):
        baselines.historical(_prices(baselines.HISTORY_DAYS + longest - 1), 1)


def test_scaled_quantiles() -> None:
    base = np.arange(35.0).reshape(5, 7)
    quantiles = baselines.ewma_empirical(np.array([0.01, 0.02]), base)
    assert quantiles.shape == (2, 5, 7)
    assert quantiles[1, 3] == pytest.approx(0.02 * 2.0 * base[3])
    normal = baselines.ewma_normal(np.array([0.01]))
    assert normal[0, 0, 0] == pytest.approx(-0.01 * 1.6448536, rel=1e-7)
    assert normal[0, 0, contract.MEDIAN_INDEX] == 0.0


@settings(max_examples=30, deadline=None)
@given(day=st.integers(contract.LOOKBACK, 340), seed=st.integers(0, 1_000))
def test_bars_after_a_day_change_nothing_up_to_it(day: int, seed: int) -> None:
    prices = _prices(350)
    noisy = prices.copy()
    noisy[day + 1 :] = np.random.default_rng(seed).uniform(0.1, 10.0, len(prices) - day - 1)
    num_days = len(prices) - contract.LOOKBACK
    kept = day - contract.LOOKBACK + 1
    base = np.tile(baselines.NORMAL_QUANTILES, (5, 1))
    for forecast in (
        lambda bars: baselines.historical(bars, num_days),
        lambda bars: baselines.ewma_normal(baselines.ewma_volatility(bars)[-num_days:]),
        lambda bars: baselines.ewma_empirical(baselines.ewma_volatility(bars)[-num_days:], base),
    ):
        assert np.array_equal(forecast(prices)[:kept], forecast(noisy)[:kept])
        assert not np.array_equal(forecast(prices)[kept:], forecast(noisy)[kept:])


@pytest.mark.parametrize("day", [contract.LOOKBACK, 300])
def test_a_history_that_ends_gives_the_same(day: int) -> None:
    prices = _prices(350)
    whole = baselines.historical(prices, 350 - contract.LOOKBACK)[day - contract.LOOKBACK]
    assert np.array_equal(whole, baselines.historical(prices[: day + 1], 1)[0])
    volatility = baselines.ewma_volatility(prices)[day]
    assert volatility == baselines.ewma_volatility(prices[: day + 1])[-1]
