"""Coverage and calibration: against slow references, and under what they are meant to see."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from components.evaluate import calibration

LEVELS = np.array([0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95])
NORMAL = np.array([statistics.NormalDist().inv_cdf(level) for level in LEVELS])


def slow_coverage_t(inside, dates, nominal):
    mean = sum(inside) / len(inside)
    sums = {}
    for hit, date in zip(inside, dates, strict=True):
        sums[date] = sums.get(date, 0.0) + hit - mean
    variance = sum(value**2 for value in sums.values()) * len(sums) / (len(sums) - 1) / len(inside) ** 2
    return (mean - nominal) / math.sqrt(variance)


def test_coverage_t_equals_the_slow_reference():
    rng = np.random.default_rng(0)
    inside, dates = (rng.random(300) < 0.85).astype(float), rng.integers(0, 40, 300)
    expected = slow_coverage_t(inside.tolist(), dates.tolist(), 0.9)
    assert calibration.coverage_t(inside, dates, 0.9) == pytest.approx(expected)
    days = np.datetime64("2020-01-01") + dates
    assert calibration.coverage_t(inside, days, 0.9) == pytest.approx(expected)


def test_tickers_that_move_as_one_prove_no_more_than_one():
    rng = np.random.default_rng(1)
    inside, dates = (rng.random(200) < 0.85).astype(float), np.arange(200)
    alone = calibration.coverage_t(inside, dates, 0.9)
    together = calibration.coverage_t(np.repeat(inside, 20), np.repeat(dates, 20), 0.9)
    assert together == pytest.approx(alone)


def test_coverage_t_is_rarely_large_where_nothing_is_wrong():
    rng = np.random.default_rng(2)
    dates = np.repeat(np.arange(250), 4)
    scores = [calibration.coverage_t((rng.random(1000) < 0.9).astype(float), dates, 0.9) for _ in range(500)]
    assert np.mean(np.abs(scores) > 1.96) == pytest.approx(0.05, abs=0.025)


def test_coverage_without_evidence():
    assert math.isnan(calibration.coverage_t(np.array([]), np.array([]), 0.9))
    assert math.isnan(calibration.coverage_t(np.array([1.0, 0.0]), np.array([3, 3]), 0.9))
    assert math.isnan(calibration.coverage_t(np.ones(10), np.arange(10), 0.9))


def test_share_below_by_hand():
    labels, quantiles = np.array([0.0, 1.0, 2.0, 3.0]), np.tile([0.5, 1.0, 9.0], (4, 1))
    assert calibration.share_below(labels, quantiles).tolist() == [0.25, 0.5, 1.0]
    assert np.isnan(calibration.share_below(np.empty(0), np.empty((0, 3)))).all()


def test_pit_is_flat_for_true_quantiles_and_not_for_narrow_ones():
    labels = np.random.default_rng(3).normal(size=40_000)
    shares, expected = calibration.pit_histogram(labels, np.tile(NORMAL, (len(labels), 1)), LEVELS)
    assert expected == pytest.approx([0.05, 0.05, 0.15, 0.25, 0.25, 0.15, 0.05, 0.05])
    assert shares == pytest.approx(expected, abs=0.006)
    narrow, _ = calibration.pit_histogram(labels, np.tile(NORMAL / 2, (len(labels), 1)), LEVELS)
    assert narrow[0] > 0.15
    assert narrow[-1] > 0.15
    assert narrow.sum() == pytest.approx(1.0)
