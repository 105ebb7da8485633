"""The interval of a skill: how often it holds the truth, and what it keeps together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.evaluate import bootstrap


def draw_losses(rng, num_dates, persistence):
    """A baseline's losses and a model's that are 2 % lower on average; the difference is autocorrelated."""
    noise = rng.normal(0, 0.1, num_dates + 200)
    difference = np.zeros_like(noise)
    for day in range(1, len(noise)):
        difference[day] = persistence * difference[day - 1] + noise[day]
    baseline = 1.0 + rng.normal(0, 0.05, num_dates)
    return baseline - 0.02 - difference[200:], baseline


@pytest.mark.parametrize("persistence", [0.0, 0.6])
def test_it_holds_the_truth_nearly_as_often_as_it_says(persistence):
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        low, high = bootstrap.skill_interval(*draw_losses(rng, 600, persistence), share=0.9, seed=seed)
        held += low <= 0.02 <= high
    assert held / 200 == pytest.approx(0.9, abs=0.07)


def test_days_drawn_one_by_one_would_be_too_sure(monkeypatch):
    losses = draw_losses(np.random.default_rng(1), 2000, 0.8)
    low, high = bootstrap.skill_interval(*losses)
    monkeypatch.setattr(bootstrap, "BLOCK_DATES", 1)
    sure_low, sure_high = bootstrap.skill_interval(*losses)
    assert high - low > 1.8 * (sure_high - sure_low)


def test_equal_losses_leave_no_doubt():
    losses = np.random.default_rng(2).random(100) + 0.5
    assert bootstrap.skill_interval(losses, losses) == (0.0, 0.0)


def test_the_seed_decides():
    losses = draw_losses(np.random.default_rng(3), 300, 0.0)
    assert bootstrap.skill_interval(*losses, seed=4) == bootstrap.skill_interval(*losses, seed=4)
    assert bootstrap.skill_interval(*losses, seed=4) != bootstrap.skill_interval(*losses, seed=5)


@pytest.mark.parametrize("num_dates", [8, 90, 100, 107])
def test_drawn_histories_are_runs_of_days_as_many_as_there_are(num_dates):
    rng = np.random.default_rng(4)
    losses, baseline = rng.random(num_dates), rng.random(num_dates) + 0.5
    block = min(bootstrap.BLOCK_DATES, num_dates // 4)
    starts = np.random.default_rng(7).integers(
        0, num_dates, (bootstrap.NUM_DRAWS, math.ceil(num_dates / block))
    )
    slow = []
    for blocks in starts:
        days = [(start + step) % num_dates for start in blocks for step in range(block)][:num_dates]
        slow.append(1.0 - losses[days].sum() / baseline[days].sum())
    expected = np.quantile(slow, [0.05, 0.95])
    assert bootstrap.skill_interval(losses, baseline, share=0.9, seed=7) == pytest.approx(expected)


def test_too_little_to_tell():
    assert all(map(math.isnan, bootstrap.skill_interval(np.ones(7), np.ones(7))))
    assert all(map(math.isnan, bootstrap.skill_interval(np.zeros(50), np.zeros(50))))
