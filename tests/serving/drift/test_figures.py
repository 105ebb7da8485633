"""serving.drift.figures: against loops, and a case that one can count."""

from __future__ import annotations

import numpy as np
import pytest

from components import contract
from components.evaluate.metrics import diebold_mariano
from serving.drift.figures import BANDS, PastForecasts, judge

LEVELS = contract.QUANTILE_LEVELS


def make_past(num_dates=40, num_tickers=3, scale=1.0, seed=5):
    """Standard normal returns, forecast by a normal law of that scale."""
    rng = np.random.default_rng(seed)
    rows = num_dates * num_tickers
    normal = np.array([-1.6449, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.6449])
    dates = np.repeat(np.datetime64("2026-01-01") + np.arange(num_dates), num_tickers)
    return PastForecasts(
        dates, np.tile(scale * normal, (rows, 1)), np.tile(2 * normal, (rows, 1)), rng.normal(size=rows)
    )


def test_figures_are_those_of_a_loop():
    past = make_past()
    figures = judge(past)
    assert (figures.num_forecasts, figures.num_dates) == (120, 40)
    for band, (low, high) in BANDS.items():
        inside = [
            row[LEVELS.index(low)] <= actual <= row[LEVELS.index(high)]
            for row, actual in zip(past.quantiles, past.actual, strict=True)
        ]
        assert figures.coverage[band] == pytest.approx(np.mean(inside))
    losses = [
        np.mean([max(level * (y - q), (level - 1) * (y - q)) for level, q in zip(LEVELS, row, strict=True)])
        for row, y in zip(past.quantiles, past.actual, strict=True)
    ]
    assert figures.pinball == pytest.approx(np.mean(losses))
    assert figures.skill > 0.05


def test_tickers_of_a_date_count_once():
    past = make_past()
    inside = (past.quantiles[:, 0] <= past.actual) & (past.actual <= past.quantiles[:, -1])
    daily = [inside[past.dates == date].mean() - 0.9 for date in np.unique(past.dates)]
    assert judge(past).coverage_t == pytest.approx(diebold_mariano(np.array(daily)))


def test_bands_that_are_too_narrow_show():
    figures = judge(make_past(num_dates=200, scale=0.5))
    assert figures.coverage[90] < 0.7 and figures.coverage_t < -5


def test_the_order_of_rows_does_not_matter():
    past = make_past()
    order = np.random.default_rng(1).permutation(len(past.actual))
    mixed = PastForecasts(
        *(getattr(past, name)[order] for name in ("dates", "quantiles", "baseline", "actual"))
    )
    assert judge(mixed).coverage_t == pytest.approx(judge(past).coverage_t)
