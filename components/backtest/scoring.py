"""How good one model is at one horizon: every score that the report shows of it. Pure numpy."""

from __future__ import annotations

import numpy as np

from components import contract
from components.backtest.figures import (
    BandCoverage,
    CalibrationRow,
    PitRow,
    QuarterCoverage,
    RankScore,
    VerdictRow,
)
from components.backtest.forecast_rows import Forecasts, Ints
from components.evaluate import accuracy, baselines, calibration
from components.evaluate.metrics import Floats
from components.evaluate.scoreboard import BANDS

_WIDEST = BANDS[90]


def score_model(model: str, horizon: int, own: Forecasts) -> VerdictRow:
    """All scores of a model's forecasts, without a comparison.

    Args:
      own: at least one forecast.
    """
    median = own.quantiles[:, contract.MEDIAN_INDEX]
    width = own.quantiles[:, _WIDEST[1]] - own.quantiles[:, _WIDEST[0]]
    moves = own.actual != 0.0
    right = 0.5 + 0.5 * np.sign(median) * np.sign(own.actual)
    gaps = calibration.share_below(own.actual, own.quantiles) - baselines.LEVELS
    mase, r2, r2_persistence = _score_price(own)
    return VerdictRow(
        model=model,
        horizon=horizon,
        num_forecasts=len(own),
        num_dates=len(np.unique(own.origins)),
        pinball=float(own.losses.mean()),
        crps=float(accuracy.crps(own.actual, own.quantiles, baselines.LEVELS).mean()),
        bands=tuple(_cover(own, percent) for percent in BANDS),
        mase=mase,
        direction=_mean(right[moves]),
        always_up=_mean((own.actual > 0.0)[moves].astype(np.float64)),
        rank_ic_median=_rank(median, own.actual, own.origins),
        rank_ic_width=_rank(width, np.abs(own.actual), own.origins),
        calibration_gap=float(np.abs(gaps).max()),
        r2_price=r2,
        r2_persistence=r2_persistence,
        skill=None,
    )


def calibrate(model: str, horizon: int, own: Forecasts) -> CalibrationRow:
    """Share of actuals at or below each quantile."""
    shares = calibration.share_below(own.actual, own.quantiles)
    return CalibrationRow(model, horizon, contract.QUANTILE_LEVELS, tuple(shares.tolist()))


def count_pit(horizon: int, own: Forecasts) -> PitRow:
    """Histogram of the probability integral transform, as far as seven quantiles tell it."""
    shares, expected = calibration.pit_histogram(own.actual, own.quantiles, baselines.LEVELS)
    edges = (0.0, *contract.QUANTILE_LEVELS, 1.0)
    return PitRow(horizon, edges, tuple(shares.tolist()), tuple(expected.tolist()))


def cover_quarters(horizon: int, own: Forecasts) -> list[QuarterCoverage]:
    """Coverage of each band by calendar quarter of the origin, in order of time.

    Quarters, not a rolling window: they share no day, so that each point is evidence of its own.
    """
    months = own.origins.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    quarters, positions, counts = np.unique(months // 3, return_inverse=True, return_counts=True)
    shares = {
        percent: np.bincount(positions, own.inside(ends), len(quarters)) / counts
        for percent, ends in BANDS.items()
    }
    return [
        QuarterCoverage(
            horizon,
            f"{1970 + quarter // 4}-Q{quarter % 4 + 1}",
            str(np.datetime64(quarter * 3, "M").astype("datetime64[D]")),
            int(counts[index]),
            {percent: float(share[index]) for percent, share in shares.items()},
        )
        for index, quarter in enumerate(quarters.tolist())
    ]


def _cover(own: Forecasts, percent: int) -> BandCoverage:
    inside = own.inside(BANDS[percent]).astype(np.float64)
    t = calibration.coverage_t(inside, own.origins, percent / 100)
    return BandCoverage(percent, float(inside.mean()), t)


def _rank(scores: Floats, outcomes: Floats, origins: Ints) -> RankScore:
    found = accuracy.rank_ic(scores, outcomes, origins)
    return RankScore(found.mean, found.t, found.num_dates)


def _score_price(own: Forecasts) -> tuple[float, float, float]:
    """MASE and R2 of the median price, and R2 of persistence.

    Each ticker by itself, then their mean with a ticker's forecasts as its weight: pooled, dear tickers would
    decide the one, and the differences between tickers' prices the other.
    """
    actual = own.close * np.exp(own.actual)
    median = own.close * np.exp(own.quantiles[:, contract.MEDIAN_INDEX])
    borders = np.flatnonzero(np.diff(own.tickers)) + 1
    figures, weights = [], []
    for rows in np.split(np.arange(len(own)), borders):
        price, predicted, persisted = actual[rows], median[rows], own.close[rows]
        fit = accuracy.fit_price(predicted, price, persisted)
        figures.append((accuracy.mase(predicted - price, persisted - price), fit.r2, fit.r2_persistence))
        weights.append(len(rows))
    mase, r2, r2_persistence = (_weighted_mean(column, weights) for column in zip(*figures, strict=True))
    return mase, r2, r2_persistence


def _weighted_mean(values: tuple[float, ...], weights: list[int]) -> float:
    """Mean over the tickers that have a figure; NaN where none has."""
    known = np.isfinite(values)
    if not known.any():
        return float("nan")
    return float(np.average(np.asarray(values)[known], weights=np.asarray(weights)[known]))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
