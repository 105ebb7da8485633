"""The formulas: against slow references, and one number each worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.evaluate import metrics

LEVELS = np.array([0.25, 0.5, 0.75])


def _slow_pinball(label: float, quantiles: list[float]) -> float:
    losses = []
    for level, quantile in zip(LEVELS, quantiles, strict=True):
        error = label - quantile
        losses.append(level * error if error > 0 else (1 - level) * -error)
    return sum(losses) / len(losses)


def _slow_diebold_mariano(differences: list[float], lags: int) -> float:
    count = len(differences)
    mean = sum(differences) / count
    variance = 0.0
    for first in range(count):
        for second in range(count):
            distance = abs(first - second)
            if distance <= lags:
                weight = 1.0 - distance / (lags + 1)
                variance += weight * (differences[first] - mean) * (differences[second] - mean) / count
    return mean / math.sqrt(variance / count)


def test_pinball_by_hand() -> None:
    # Errors .03, .02, .01: .25 * .03 + .5 * .02 + .75 * .01 = .025, of three levels.
    loss = metrics.pinball(np.array(0.02), np.array([-0.01, 0.0, 0.01]), LEVELS)
    assert float(loss) == pytest.approx(0.025 / 3)


def test_pinball_equals_the_slow_reference() -> None:
    rng = np.random.default_rng(0)
    labels, quantiles = rng.normal(size=(20, 5)), np.sort(rng.normal(size=(20, 5, 3)))
    losses = metrics.pinball(labels, quantiles, LEVELS)
    for index in np.ndindex(labels.shape):
        assert losses[index] == pytest.approx(_slow_pinball(labels[index], list(quantiles[index])))


def test_pinball_is_least_at_the_true_quantiles() -> None:
    labels = np.random.default_rng(0).normal(size=20_000)
    truth = np.quantile(labels, LEVELS)
    least = metrics.pinball(labels, truth, LEVELS).mean()
    for shift in np.vstack([np.eye(3), -np.eye(3)]) * 0.05:
        assert metrics.pinball(labels, truth + shift, LEVELS).mean() > least


def test_skill() -> None:
    assert metrics.skill(0.9, 1.0) == pytest.approx(0.1)
    assert metrics.skill(0.7, 0.7) == 0.0
    assert math.isnan(metrics.skill(0.1, 0.0))
    assert math.isnan(metrics.skill(0.1, math.nan))
    assert math.isnan(metrics.skill(math.nan, 1.0))


def test_diebold_mariano_by_hand() -> None:
    # Mean 2.5; autocovariances 5/4 and 1.25/4; 1.25 + 2 * .5 * .3125 = 1.5625; 2.5 / sqrt(1.5625 / 4) = 4.
    assert metrics.diebold_mariano(np.array([1.0, 2.0, 3.0, 4.0]), lags=1) == pytest.approx(4.0)


@pytest.mark.parametrize("num_dates", [2, 5, 11, 60])
def test_diebold_mariano_equals_the_slow_reference(num_dates: int) -> None:
    noise = np.random.default_rng(num_dates).normal(0.1, 1.0, num_dates + 5)
    series = np.convolve(noise, np.ones(6), "valid")
    expected = _slow_diebold_mariano(list(series), metrics.NEWEY_WEST_LAGS)
    assert metrics.diebold_mariano(series) == pytest.approx(expected)


def test_diebold_mariano_without_evidence() -> None:
    assert metrics.diebold_mariano(np.zeros(100)) == 0.0
    assert math.isnan(metrics.diebold_mariano(np.array([1.0])))
    assert math.isnan(metrics.diebold_mariano(np.array([])))
    assert math.isnan(metrics.diebold_mariano(np.ones(100)))
    assert math.isnan(metrics.diebold_mariano(np.array([1.0, math.nan, 2.0])))


def test_diebold_mariano_allows_for_days_that_move_together() -> None:
    """Five-day sums prove less than as many independent days: under the null, t stays small."""
    rng = np.random.default_rng(0)
    scores = [
        metrics.diebold_mariano(np.convolve(rng.normal(size=504), np.ones(5), "valid")) for _ in range(400)
    ]
    assert np.mean(np.abs(scores) > 2.0) < 0.10


def test_count_crossings() -> None:
    quantiles = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [3.0, 2.0, 1.0], [1.0, 3.0, 2.0]])
    assert metrics.count_crossings(quantiles).tolist() == [0, 0, 2, 1]
