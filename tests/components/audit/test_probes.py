"""components.audit.probes: what a leak looks like from outside, on models of a line."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from components import contract
from components.audit import probes

DAYS = 30
NUM_BARS = contract.LOOKBACK + DAYS
NUM_HORIZONS = len(contract.HORIZONS)


@pytest.fixture
def chunk():
    """A random walk with its labels."""
    rng = np.random.default_rng(7)
    close = (100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, NUM_BARS)))).astype(np.float32)
    bars = {name: close.copy() for name in contract.BAR_COLUMNS}
    log_price = np.log(close.astype(float))[contract.LOOKBACK :]
    label, mask = np.zeros((2, DAYS, NUM_HORIZONS), np.float32)
    for index, horizon in enumerate(contract.HORIZONS):
        label[:-horizon, index] = log_price[horizon:] - log_price[:-horizon]
        mask[:-horizon, index] = 1.0
    return probes.ChunkView("a chunk", bars, label, mask)


def forecast(bars, shift=0, base=1.0):
    """Today's move, or that of `shift` days later, as scale and quantiles."""
    moves = np.abs(np.diff(np.log(bars[contract.ADJ_CLOSE]), prepend=0.0))
    scale = np.roll(moves, -shift)[contract.LOOKBACK :].astype(np.float32)
    quantiles = np.multiply.outer(scale, np.linspace(-1, 1, 7, dtype=np.float32))[:, None]
    return {
        contract.VOLATILITY: scale,
        contract.RETURN_QUANTILES: quantiles,
        contract.BASE_QUANTILES: np.full(7, base, np.float32),
    }


def test_noise_is_where_it_should_be(chunk):
    noisy = probes.replace_future(chunk.bars, day=4, seed=1)
    first = contract.LOOKBACK + 5
    for name, column in chunk.bars.items():
        np.testing.assert_array_equal(noisy[name][:first], column[:first])
        assert np.all(noisy[name][first:] != column[first:])
        assert np.all(noisy[name] > 0) and noisy[name].dtype == np.float32


def test_a_causal_model_passes(chunk):
    assert probes.probe_chunk(chunk, forecast, np.array([0, 11, DAYS - 2]), seed=1) == []


def test_a_scale_that_sees_tomorrow_is_caught(chunk):
    problems = probes.probe_chunk(chunk, lambda bars: forecast(bars, shift=1), np.array([11]), seed=1)
    assert len(problems) == 2 and all("day 11" in problem for problem in problems)


@pytest.mark.parametrize(("shift", "num_problems"), [(0, 0), (1, 2)])
def test_the_market_of_tomorrow_is_caught_too(chunk, shift, num_problems):
    market = np.random.default_rng(3).normal(size=(NUM_BARS, 5)).astype(np.float32)
    seeing = dataclasses.replace(chunk, bars={**chunk.bars, contract.MARKET: market})

    def see(bars):
        answer = forecast(bars)
        wider = 1.0 + np.abs(np.roll(bars[contract.MARKET], -shift, axis=0)[contract.LOOKBACK :, 0])
        answer[contract.VOLATILITY] *= wider
        answer[contract.RETURN_QUANTILES] *= wider[:, None, None]
        return answer

    assert len(probes.probe_chunk(seeing, see, np.array([11]), seed=1)) == num_problems


def test_one_bit_is_enough(chunk):
    before = forecast(chunk.bars)
    after = {name: values.copy() for name, values in before.items()}
    after[contract.VOLATILITY][20] *= 2
    assert probes.compare_answers(before, after, day=10) == []
    after[contract.VOLATILITY][3] = np.nextafter(after[contract.VOLATILITY][3], np.float32(9))
    [problem] = probes.compare_answers(before, after, day=10)
    assert "target day 3" in problem


def test_a_model_that_hears_nothing_proves_nothing(chunk):
    still = forecast(chunk.bars)
    [problem] = probes.probe_chunk(chunk, lambda _: still, np.array([5]), seed=1)
    assert "must follow the bars" in problem


def test_constants_that_follow_the_bars_are_caught(chunk):
    problems = probes.probe_chunk(
        chunk, lambda bars: forecast(bars, base=float(bars[contract.CLOSE][-1])), np.array([5]), seed=1
    )
    assert [contract.BASE_QUANTILES in problem for problem in problems] == [True]


def test_labels_are_computed_again(chunk):
    assert probes.check_labels(chunk) == []


@pytest.mark.parametrize("shift", [-1, 1])
def test_an_off_by_one_label_is_caught_at_every_horizon(chunk, shift):
    moved = probes.ChunkView(chunk.name, chunk.bars, np.roll(chunk.label, shift, axis=0), chunk.label_mask)
    assert len(probes.check_labels(moved)) == NUM_HORIZONS


def test_a_label_that_is_masked_is_not_looked_at(chunk):
    label = chunk.label.copy()
    label[7, 2] = 9.0
    mask = chunk.label_mask.copy()
    assert len(probes.check_labels(probes.ChunkView("", chunk.bars, label, mask))) == 1
    mask[7, 2] = 0.0
    assert probes.check_labels(probes.ChunkView("", chunk.bars, label, mask)) == []
