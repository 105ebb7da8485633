"""Formulas that judge quantile forecasts. Pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NEWEY_WEST_LAGS = 10
"""Trading days whose autocorrelation the Diebold-Mariano test allows for."""


def pinball(labels: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """Mean pinball loss over the levels.

    Args:
      labels: [...]; quantiles: [..., levels], same units; levels: [levels], each in (0, 1).
    Returns:
      [...]: mean over levels of max(level * e, (level - 1) * e), e = label - quantile.
    Source: Koenker and Bassett (1978), Econometrica 46(1).
    """
    loss: Floats = pinball_by_level(labels, quantiles, levels).mean(axis=-1)
    return loss


def pinball_by_level(labels: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """Pinball loss of each level, [..., levels]; see pinball."""
    errors = labels[..., np.newaxis] - quantiles
    loss: Floats = np.maximum(levels * errors, (levels - 1.0) * errors)
    return loss


def skill(loss: float, baseline_loss: float) -> float:
    """Share by which `loss` is below `baseline_loss`; NaN where the baseline has none."""
    return 1.0 - loss / baseline_loss if baseline_loss > 0.0 else float("nan")


def diebold_mariano(differences: Floats, lags: int = NEWEY_WEST_LAGS) -> float:
    """t statistic of the mean loss difference, robust to autocorrelation.

    Args:
      differences: [dates], baseline's loss less the model's, averaged over the tickers of a date and
        in order of time, so that tickers that move together count once.
      lags: autocovariances that enter the long-run variance, with Bartlett weights.
    Returns:
      Mean over its standard error, positive where the model is better; 0 where all differences are 0,
      NaN for fewer than two dates.
    Source: Diebold and Mariano (1995), JBES 13(3); Newey and West (1987), Econometrica 55(3).
    """
    num_dates = len(differences)
    if num_dates < 2:
        return float("nan")
    mean = float(differences.mean())
    centred = differences - mean
    variance = float(centred @ centred) / num_dates
    for lag in range(1, min(lags, num_dates - 1) + 1):
        weight = 1.0 - lag / (lags + 1.0)
        variance += 2.0 * weight * float(centred[lag:] @ centred[:-lag]) / num_dates
    if variance <= 0.0:
        return 0.0 if mean == 0.0 else float("nan")
    return mean / float(np.sqrt(variance / num_dates))


def count_crossings(quantiles: Floats) -> Floats:
    """Number of neighbouring levels out of order in each forecast: [..., levels] -> [...]."""
    crossings: Floats = (np.diff(quantiles, axis=-1) < 0.0).sum(axis=-1).astype(np.float64)
    return crossings
