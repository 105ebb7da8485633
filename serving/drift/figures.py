"""Past forecasts beside what came: coverage and loss. Pure numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components import contract
from components.evaluate import metrics
from components.evaluate.metrics import Floats

BANDS = {90: (0.05, 0.95), 80: (0.10, 0.90), 50: (0.25, 0.75)}
"""Per cent -> levels of its edges."""
T_BAND = 90


@dataclasses.dataclass(frozen=True)
class PastForecasts:
    """One-day forecasts whose day has come, a row each.

    Attributes:
      dates: datetime64[D] [rows], on whose close the forecast was made.
      quantiles: [rows, levels], log returns, at contract.QUANTILE_LEVELS.
      baseline: likewise of RiskMetrics' EWMA.
      actual: [rows], the log return that came.
    """

    dates: npt.NDArray[np.datetime64]
    quantiles: Floats
    baseline: Floats
    actual: Floats


@dataclasses.dataclass(frozen=True)
class DriftFigures:
    """How forecasts fared.

    Attributes:
      num_forecasts: rows.
      num_dates: different days among them.
      coverage: band in per cent -> share of days inside it.
      coverage_t: t statistic of the 90 % band's coverage less 0.9, by date, so that tickers that move
        together count once; negative where bands are too narrow. NaN for fewer than two dates.
      pinball: mean loss of log returns.
      skill: share by which that is below the baseline's.
    """

    num_forecasts: int
    num_dates: int
    coverage: dict[int, float]
    coverage_t: float
    pinball: float
    skill: float


def judge(past: PastForecasts) -> DriftFigures:
    """Computes the figures of at least one forecast."""
    levels = np.asarray(contract.QUANTILE_LEVELS)
    inside = {band: _is_inside(past, *edges) for band, edges in BANDS.items()}
    dates, places = np.unique(past.dates, return_inverse=True)
    daily = np.bincount(places, inside[T_BAND]) / np.bincount(places)
    loss = float(metrics.pinball(past.actual, past.quantiles, levels).mean())
    baseline_loss = float(metrics.pinball(past.actual, past.baseline, levels).mean())
    return DriftFigures(
        num_forecasts=len(past.actual),
        num_dates=len(dates),
        coverage={band: float(shares.mean()) for band, shares in inside.items()},
        coverage_t=metrics.diebold_mariano(daily - T_BAND / 100.0),
        pinball=loss,
        skill=metrics.skill(loss, baseline_loss),
    )


def _is_inside(past: PastForecasts, low: float, high: float) -> Floats:
    """1 where the actual return is within the band, else 0; [rows]."""
    lower, upper = (past.quantiles[:, contract.QUANTILE_LEVELS.index(level)] for level in (low, high))
    return ((lower <= past.actual) & (past.actual <= upper)).astype(np.float64)
