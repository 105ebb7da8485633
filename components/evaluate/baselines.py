"""What the model must beat: forecasts that need no training, each a pure function of the past."""

from __future__ import annotations

import statistics

import numpy as np

from components import contract
from components.evaluate.metrics import Floats

EWMA_DECAY = 0.94
"""Source: RiskMetrics Technical Document, 4th ed. (1996), p. 97."""
EWMA_DAYS = 200
VOLATILITY_FLOOR = 0.002
HISTORY_DAYS = 250
"""Returns in the historical quantiles."""

LEVELS = np.asarray(contract.QUANTILE_LEVELS)
HORIZONS = np.asarray(contract.HORIZONS)
NORMAL_QUANTILES = np.array([statistics.NormalDist().inv_cdf(level) for level in contract.QUANTILE_LEVELS])


def ewma_volatility(adj_close: Floats) -> Floats:
    """Exponentially weighted volatility of the daily log return, as of each day.

    s_t**2 = sum_i 0.94**i r_{t-i}**2 / sum_i 0.94**i over the last EWMA_DAYS known returns, at least
    VOLATILITY_FLOOR. Computed apart from the Transform graph: a fault there cannot flatter the model.

    Args:
      adj_close: [days], oldest first, positive.
    Returns:
      [days], a fraction a day; the first day, which has no return, gets the floor.
    """
    squares = np.diff(np.log(adj_close)) ** 2
    weights = EWMA_DECAY ** np.arange(EWMA_DAYS)
    counts = np.minimum(np.arange(1, len(squares) + 1), EWMA_DAYS)
    padded = np.concatenate([np.zeros(EWMA_DAYS - 1), squares])
    windows = np.lib.stride_tricks.sliding_window_view(padded, EWMA_DAYS)
    means = windows @ weights[::-1] / np.cumsum(weights)[counts - 1]
    volatility: Floats = np.maximum(np.sqrt(np.concatenate([[0.0], means])), VOLATILITY_FLOOR)
    return volatility


def ewma_empirical(volatility: Floats, base_quantiles: Floats) -> Floats:
    """EWMA volatility times the standardised return's quantiles on the train split.

    Args:
      volatility: [days]; base_quantiles: [horizons, levels], in units of volatility * sqrt(horizon).
    Returns:
      Log-return quantiles [days, horizons, levels].
    """
    return _scale(volatility) * base_quantiles


def ewma_normal(volatility: Floats) -> Floats:
    """RiskMetrics: EWMA volatility and a normal law; [days] -> [days, horizons, levels]."""
    return _scale(volatility) * NORMAL_QUANTILES


def historical(adj_close: Floats, num_days: int) -> Floats:
    """Quantiles of the last HISTORY_DAYS h-day returns that were complete on the day itself.

    Args:
      adj_close: [bars], oldest first; HISTORY_DAYS + max(HORIZONS) - 1 of them lie before the first day.
      num_days: forecasts are made on the last `num_days` bars.
    Returns:
      Log-return quantiles [num_days, horizons, levels].
    Raises:
      ValueError: too few bars.
    """
    needed = num_days + HISTORY_DAYS - 1 + int(HORIZONS.max())
    if len(adj_close) < needed:
        raise ValueError(
            f"adj_close must hold at least {needed} bars, got {len(adj_close)}; give more context"
        )
    log_price = np.log(adj_close)
    quantiles = np.empty((num_days, len(HORIZONS), len(LEVELS)))
    for index, horizon in enumerate(HORIZONS):
        returns = log_price[horizon:] - log_price[:-horizon]
        windows = np.lib.stride_tricks.sliding_window_view(returns, HISTORY_DAYS)[-num_days:]
        quantiles[:, index] = _quantiles(windows)
    return quantiles


def _quantiles(samples: Floats) -> Floats:
    """Linearly interpolated quantiles: [n, samples] -> [n, levels]; np.quantile takes 8 times as long."""
    ordered = np.sort(samples, axis=-1)
    positions = LEVELS * (ordered.shape[-1] - 1)
    below = np.floor(positions).astype(int)
    low, high = ordered[:, below], ordered[:, np.minimum(below + 1, ordered.shape[-1] - 1)]
    quantiles: Floats = low + (positions - below) * (high - low)
    return quantiles


def _scale(volatility: Floats) -> Floats:
    """volatility * sqrt(horizon), [days, horizons, 1]."""
    scale: Floats = (volatility[:, np.newaxis] * np.sqrt(HORIZONS))[:, :, np.newaxis]
    return scale
