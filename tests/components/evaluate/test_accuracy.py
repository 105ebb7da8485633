"""CRPS, MASE, RankIC and R2: against slow references and closed forms."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
import scipy.stats

from components.evaluate import accuracy


def normal_quantiles(levels):
    return np.array([statistics.NormalDist().inv_cdf(level) for level in levels])


def slow_crps(label, quantiles, levels):
    points = [(0.0, 0.0)]
    for quantile, level in zip(quantiles, levels, strict=True):
        error = label - quantile
        points.append((level, level * error if error > 0 else (level - 1) * error))
    points.append((1.0, 0.0))
    return sum(
        (loss + next_loss) * (next_level - level)
        for (level, loss), (next_level, next_loss) in itertools.pairwise(points)
    )


def test_crps_equals_the_slow_reference():
    rng = np.random.default_rng(0)
    levels = np.array([0.1, 0.5, 0.8])
    labels, quantiles = rng.normal(size=(6, 2)), np.sort(rng.normal(size=(6, 2, 3)))
    scores = accuracy.crps(labels, quantiles, levels)
    for index in np.ndindex(labels.shape):
        assert scores[index] == pytest.approx(slow_crps(labels[index], quantiles[index], levels))


@pytest.mark.parametrize("label", [-1.5, 0.0, 0.7])
def test_crps_of_many_levels_is_that_of_the_normal_law(label):
    # Gneiting and Raftery (2007), equation 21, with mean 0 and standard deviation 1.
    normal = statistics.NormalDist()
    truth = label * (2 * normal.cdf(label) - 1) + 2 * normal.pdf(label) - 1 / math.sqrt(math.pi)
    levels = np.arange(1, 1000) / 1000
    assert accuracy.crps(np.array(label), normal_quantiles(levels), levels) == pytest.approx(truth, abs=2e-3)


def test_mase_by_hand():
    assert accuracy.mase(np.array([1.0, -1.0]), np.array([2.0, -4.0, 0.0])) == pytest.approx(0.5)
    assert math.isnan(accuracy.mase(np.array([1.0]), np.zeros(3)))
    assert math.isnan(accuracy.mase(np.array([]), np.ones(3)))


def test_ranks_equal_scipys():
    values = np.random.default_rng(1).integers(0, 6, 50).astype(float)
    assert accuracy.rank(values) == pytest.approx(scipy.stats.rankdata(values) - 1)


def test_rank_ic_equals_spearman_date_by_date():
    rng = np.random.default_rng(2)
    dates = rng.permutation(np.repeat(np.arange(30), 8))
    scores = rng.normal(size=240).round(1)
    outcomes = scores + rng.normal(size=240)
    found = accuracy.rank_ic(scores, outcomes, dates)
    slow = [
        scipy.stats.spearmanr(scores[dates == day], outcomes[dates == day]).statistic for day in range(30)
    ]
    assert found.mean == pytest.approx(np.mean(slow))
    assert found.t == pytest.approx(scipy.stats.ttest_1samp(slow, 0.0).statistic)
    assert found.num_dates == 30


def test_rank_ic_leaves_out_dates_that_say_nothing():
    dates = np.array([1] * 4 + [2] * 5 + [3] * 5)
    scores = np.array([1.0, 2, 3, 4, 7, 7, 7, 7, 7, 1, 2, 3, 4, 5])
    found = accuracy.rank_ic(scores, np.arange(14.0), dates)
    assert (found.mean, found.num_dates) == (pytest.approx(1.0), 1)
    assert math.isnan(found.t)
    assert accuracy.rank_ic(np.array([]), np.array([]), np.array([])).num_dates == 0


def test_the_usual_r2_of_a_price_is_that_of_persistence():
    rng = np.random.default_rng(3)
    price = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 3000)))
    lagging = price[:-1] * np.exp(rng.normal(0, 0.01, 2999))
    fit = accuracy.fit_price(lagging, price[1:], price[:-1])
    assert fit.r2 > 0.99
    assert fit.r2_persistence > fit.r2
    assert math.isnan(accuracy.fit_price(np.ones(3), np.ones(3), np.ones(3)).r2)
