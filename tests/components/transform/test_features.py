"""The causal features: against a slow reference, by hand, and proof that they never look ahead."""

import numpy as np
import pytest
import tensorflow as tf

from components import contract
from components.transform import features as causal
from tests.fixtures.simulated_bars import simulate_garch_bars

pytestmark = pytest.mark.tf

NUM_DAYS = 330


@pytest.fixture(scope="module")
def bars() -> dict[str, np.ndarray]:
    """Two simulated tickers as float32 [2, NUM_DAYS] columns."""
    frame = simulate_garch_bars(num_tickers=2, num_days=NUM_DAYS, seed=5)
    return {
        name: np.stack([rows[name].to_numpy(np.float32) for _, rows in frame.groupby(contract.TICKER)])
        for name in contract.BAR_COLUMNS
    }


def compute(bars):
    result = causal.compute_features({name: tf.constant(values) for name, values in bars.items()})
    return result.features.numpy(), result.volatility.numpy()


def reference_volatility(squares, decay):
    """sqrt of sum(decay**i x[t-i]) / sum(decay**i) over the last WARMUP known returns, by loops."""
    out = np.zeros(len(squares) + 1)
    for day in range(len(out)):
        weight = total = 0.0
        for back in range(causal.WARMUP):
            if day - back >= 1:
                weight += decay**back
                total += decay**back * squares[day - back - 1]
        out[day] = np.sqrt(total / weight) if weight else 0.0
    return np.maximum(out, causal.VOLATILITY_FLOOR)


def test_matches_a_slow_reference(bars):
    features, volatility = compute(bars)
    for row in range(2):
        close = bars[contract.ADJ_CLOSE][row].astype(np.float64)
        returns = np.diff(np.log(close))
        expected = reference_volatility(returns**2, causal.VOLATILITY_DECAY)
        np.testing.assert_allclose(volatility[row], expected, rtol=2e-4)
        standardised = np.clip(returns / expected[:-1], -6, 6)
        np.testing.assert_allclose(features[row, 1:, 0], standardised, rtol=2e-3, atol=2e-3)
        slow = reference_volatility(returns**2, causal.SLOW_DECAYS[0])
        np.testing.assert_allclose(features[row, :, 3], np.log(slow / expected), atol=1e-3)
        volume = bars[contract.VOLUME][row].astype(np.float64)
        means = [volume[max(0, day - 19) : day + 1].mean() for day in range(NUM_DAYS)]
        np.testing.assert_allclose(
            features[row, :, causal.VOLUME_FEATURES[0]], np.clip(np.log(volume / means), -3, 3), atol=1e-4
        )


def test_two_returns_by_hand():
    # Returns 1 % then 3 %: the mean square is (0.94 * 0.01**2 + 0.03**2) / 1.94 = 5.1237e-4.
    close = np.exp(np.array([[0.0, 0.01, 0.04]])).astype(np.float32)
    columns = dict.fromkeys(contract.PRICE_COLUMNS, close) | {contract.VOLUME: np.ones_like(close)}
    features, volatility = compute(columns)
    assert volatility[0, 2] == pytest.approx(0.022636, rel=1e-4)
    assert features[0, 2, 0] == pytest.approx(0.03 / 0.01, rel=1e-4)


@pytest.mark.parametrize("day", [150, 259, 300, NUM_DAYS - 2])
def test_noise_after_a_day_changes_no_bit_up_to_it(bars, day):
    before = compute(bars)
    noise = np.random.default_rng(day)
    future = {name: values.copy() for name, values in bars.items()}
    for values in future.values():
        values[:, day + 1 :] *= np.exp(noise.normal(0, 1, values[:, day + 1 :].shape)).astype(np.float32)
    after = compute(future)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old[:, : day + 1], new[:, : day + 1])
        assert not np.array_equal(old[:, day + 1 :], new[:, day + 1 :])


def test_bars_older_than_the_warm_up_weigh_nothing(bars):
    _, whole = compute(bars)
    features, recent = compute({name: values[:, -contract.LOOKBACK :] for name, values in bars.items()})
    np.testing.assert_allclose(recent[:, -1], whole[:, -1], rtol=1e-5)
    assert features.shape == (2, contract.LOOKBACK, causal.NUM_FEATURES)


def test_a_ticker_without_ranges_and_volume_gets_neutral_features(bars):
    close = bars[contract.ADJ_CLOSE]
    plain = dict.fromkeys(contract.PRICE_COLUMNS, close) | {contract.VOLUME: np.zeros_like(close)}
    features, _ = compute(plain)
    hidden = [*causal.RANGE_FEATURES, *causal.VOLUME_FEATURES]
    np.testing.assert_array_equal(features[:, :, hidden], 0.0)
    assert np.isfinite(features).all()


def test_a_price_that_never_moves_stays_finite():
    flat = np.full((1, contract.LOOKBACK), 10.0, np.float32)
    columns = dict.fromkeys(contract.PRICE_COLUMNS, flat) | {contract.VOLUME: flat}
    features, volatility = compute(columns)
    assert np.isfinite(features).all()
    np.testing.assert_array_equal(volatility, np.float32(causal.VOLATILITY_FLOOR))
