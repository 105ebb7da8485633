"""Figures that readers ask for beside the pinball loss; the gate goes by none of them. Pure numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components.evaluate.metrics import Floats, pinball_by_level


def crps(labels: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """Continuous ranked probability score, approximated by the quantiles that there are.

    Twice the integral over the level of the pinball loss, by the trapezoidal rule between the outermost
    levels; beyond them the loss falls to its zero at 0 and 1, taken as a straight line.

    Args:
      labels: [...]; quantiles: [..., levels], same units; levels: [levels], rising, in (0, 1).
    Returns:
      [...], in the units of the labels.
    Source: Gneiting and Raftery (2007), JASA 102(477), section 4.2.
    """
    loss = pinball_by_level(labels, quantiles, levels)
    nothing = np.zeros_like(loss[..., :1])
    loss = np.concatenate([nothing, loss, nothing], axis=-1)
    widths = np.diff(np.concatenate([[0.0], levels, [1.0]]))
    score: Floats = ((loss[..., 1:] + loss[..., :-1]) * widths).sum(axis=-1)
    return score


def mase(errors: Floats, naive_errors: Floats) -> float:
    """Mean absolute scaled error: mean absolute error over the naive forecast's.

    Args:
      errors: [n], forecast less price; naive_errors: [m], changes of the price over as many days as the
        forecast looks ahead, on the days before the forecasts.
    Returns:
      Below 1 where the forecast errs less than persistence did; NaN where persistence did not err.
    Source: Hyndman and Koehler (2006), International J. of Forecasting 22(4).
    """
    naive = float(np.abs(naive_errors).mean()) if len(naive_errors) else 0.0
    return float(np.abs(errors).mean()) / naive if naive > 0.0 and len(errors) else float("nan")


@dataclasses.dataclass(frozen=True)
class RankIc:
    """How well scores order the tickers of a date.

    Attributes:
      mean: of the dates' rank correlations, in [-1, 1].
      t: that over its standard error, dates being independent.
      num_dates: with at least `min_tickers` tickers and scores that differ.
    """

    mean: float
    t: float
    num_dates: int


def rank_ic(scores: Floats, outcomes: Floats, dates: npt.NDArray[np.generic], min_tickers: int = 5) -> RankIc:
    """Spearman's correlation of scores and outcomes across the tickers of each date.

    Args:
      scores, outcomes: [n], a row a ticker and date; dates: [n].
      min_tickers: dates with fewer say too little and are left out, as are those without differences.
    Returns:
      NaN for mean and t where no date, or for t where one date, is left.
    """
    _, groups, counts = np.unique(dates, return_inverse=True, return_counts=True)
    kept = counts[groups] >= min_tickers
    groups, num_groups = groups[kept], len(counts)
    mean_rank = (counts[groups] - 1) / 2.0
    x, y = (rank_within(values[kept], groups) - mean_rank for values in (scores, outcomes))
    products, squares, outcome_squares = (np.bincount(groups, v, num_groups) for v in (x * y, x * x, y * y))
    spread_out = (squares > 0.0) & (outcome_squares > 0.0)
    correlations = products[spread_out] / np.sqrt(squares[spread_out] * outcome_squares[spread_out])
    count = len(correlations)
    mean = float(np.mean(correlations)) if count else float("nan")
    spread = float(np.std(correlations, ddof=1)) if count > 1 else 0.0
    return RankIc(mean, mean / (spread / count**0.5) if spread > 0.0 else float("nan"), count)


def rank(values: Floats) -> Floats:
    """Ranks from 0; ties share the mean of theirs. [n] -> [n]."""
    return rank_within(values, np.zeros(len(values), np.int64))


def rank_within(values: Floats, groups: npt.NDArray[np.int64]) -> Floats:
    """Ranks from 0 of each value in its group; ties share the mean of theirs.

    Args:
      values: [n]; groups: [n].
    Returns:
      [n].
    """
    order = np.lexsort((values, groups))
    ordered, own = values[order], groups[order]
    is_first = np.ones(len(values), bool)
    is_first[1:] = own[1:] != own[:-1]
    starts = np.flatnonzero(is_first)
    start = starts[np.cumsum(is_first) - 1]
    is_first[1:] |= ordered[1:] != ordered[:-1]
    ties = np.diff(np.append(np.flatnonzero(is_first), len(values)))
    position = np.cumsum(ties) - (ties + 1) / 2.0
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(position, ties) - start
    return ranks


@dataclasses.dataclass(frozen=True)
class PriceFit:
    """R2 of a price, which says nothing without that of persistence beside it."""

    r2: float
    r2_persistence: float


def fit_price(predicted: Floats, actual: Floats, persisted: Floats) -> PriceFit:
    """R2 of a predicted price, and that of the price of the day on which it was predicted.

    Args:
      predicted, actual, persisted: [n], in currency; `persisted` is the last price known to the forecast.
    Returns:
      NaN where the actual price never changes.
    """
    total = float(((actual - actual.mean()) ** 2).sum()) if len(actual) else 0.0
    if total == 0.0:
        return PriceFit(float("nan"), float("nan"))
    r2, r2_persistence = (
        1.0 - float(((actual - forecast) ** 2).sum()) / total for forecast in (predicted, persisted)
    )
    return PriceFit(r2, r2_persistence)
