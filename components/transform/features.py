"""Causal features of daily bars, as TensorFlow functions: the same graph in training and serving.

Everything is a ratio to the ticker's own recent volatility, so nothing needs a fitted scaler, and a
feature of day t reads bars t - WARMUP .. t only. Later bars are never read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components import contract

WARMUP = 200
"""Returns that an exponentially weighted mean looks back on; older ones weigh nothing."""
NETWORK_STEPS = contract.LOOKBACK - WARMUP
"""Days of features the network needs before its answer counts."""

VOLATILITY_DECAY = 0.94
"""Daily decay of RiskMetrics. Source: RiskMetrics Technical Document, 4th ed. (1996), p. 97."""
FAST_DECAY = 0.80
SLOW_DECAYS = (0.985, 0.997)
VOLATILITY_FLOOR = 0.002
"""Smallest daily volatility, a fraction: a halted ticker must not divide by zero."""
TYPICAL_VOLATILITY = 0.015
"""Centre of the log volatility feature, a fraction a day."""
STANDARDISED_RETURN_LIMIT = 6.0
RATIO_LIMIT = 3.0
"""Log ratios are clipped here: e**3 is 20 times."""
VOLUME_DAYS = 20
PARKINSON_FACTOR = 4.0 * math.log(2.0)
"""Mean of log(high / low)**2 over the variance. Source: Parkinson (1980), J. of Business 53(1)."""

FEATURE_NAMES = (
    "standardised_return",
    "absolute_standardised_return",
    "fast_volatility_ratio",
    "slow_volatility_ratio",
    "slowest_volatility_ratio",
    "log_volatility",
    "range_ratio",
    "fast_range_ratio",
    "has_range",
    "volume_ratio",
)
NUM_FEATURES = len(FEATURE_NAMES)
RANGE_FEATURES = tuple(FEATURE_NAMES.index(n) for n in ("range_ratio", "fast_range_ratio", "has_range"))
VOLUME_FEATURES = (FEATURE_NAMES.index("volume_ratio"),)


class CausalFeatures(NamedTuple):
    """Network inputs [batch, time, NUM_FEATURES] and volatility [batch, time] of each day."""

    features: tf.Tensor
    volatility: tf.Tensor


def compute_features(bars: Mapping[str, tf.Tensor]) -> CausalFeatures:
    """Derives features and volatility of each day from that day's bar and earlier ones.

    Args:
      bars: column name -> float32 [batch, time], oldest first; prices in currency, positive and
        finite; at least the columns high, low, adj_close, volume. A ticker without intraday
        prices has high equal to low; one without volume has zeros: both are told to the network.
    Returns:
      features float32 [batch, time, NUM_FEATURES], dimensionless, in the order of FEATURE_NAMES,
      and volatility float32 [batch, time]: the standard deviation of a daily log return as of
      that day, a fraction. Days with little past use what past there is.
    """
    returns = _log_returns(bars[contract.ADJ_CLOSE])
    means = decayed_means(tf.square(returns), (VOLATILITY_DECAY, FAST_DECAY, *SLOW_DECAYS), WARMUP, first=1)
    volatilities = tf.maximum(tf.sqrt(means), VOLATILITY_FLOOR)
    volatility = volatilities[:, :, 0]
    previous = tf.concat([volatility[:, :1], volatility[:, :-1]], axis=1)
    standardised = tf.clip_by_value(returns / previous, -STANDARDISED_RETURN_LIMIT, STANDARDISED_RETURN_LIMIT)
    columns = [
        standardised[:, :, tf.newaxis],
        tf.abs(standardised)[:, :, tf.newaxis],
        _log_ratio(volatilities[:, :, 1:], volatilities[:, :, :1]),
        tf.math.log(volatilities[:, :, :1] / TYPICAL_VOLATILITY),
        _range_features(bars[contract.HIGH], bars[contract.LOW], volatility, previous),
        _volume_ratio(bars[contract.VOLUME]),
    ]
    return CausalFeatures(tf.concat(columns, axis=-1), volatility)


def _log_returns(adj_close: tf.Tensor) -> tf.Tensor:
    """Log returns [batch, time]; the first day has none and gets 0."""
    log_price = tf.math.log(adj_close)
    return tf.pad(log_price[:, 1:] - log_price[:, :-1], [[0, 0], [1, 0]])


def decayed_means(values: tf.Tensor, decays: Sequence[float], length: int, first: int) -> tf.Tensor:
    """Means of the past with exponentially falling weights, bias-corrected.

    out[t, k] = sum_i decays[k]**i * values[t - i] / sum_i decays[k]**i, over 0 <= i < length and
    t - i >= first. Sums of 2n terms are made from two of n, element by element: 2 * log2(length)
    small steps, and the same bits wherever in a batch or a chunk a day stands.

    Args:
      values: float32 [batch, time]; 0 before day `first`.
      decays: in (0, 1].
      length: most days in a mean, at least 1.
      first: first day that has a value.
    Returns:
      float32 [batch, time, len(decays)]; 0 before day `first`.
    """
    powers = np.power(np.asarray(decays), np.arange(length)[:, np.newaxis])
    totals = np.concatenate([np.ones((1, len(decays))), np.cumsum(powers, axis=0)])
    counts = tf.clip_by_value(tf.range(tf.shape(values)[1]) + 1 - first, 0, length)
    return _decayed_sums(values, decays, length) / tf.gather(tf.constant(totals, tf.float32), counts)


def _decayed_sums(values: tf.Tensor, decays: Sequence[float], length: int) -> tf.Tensor:
    """sum_i decays[k]**i * values[t - i] over 0 <= i < length; [batch, time, len(decays)]."""
    rates = np.asarray(decays)
    block = values[:, :, tf.newaxis] * tf.ones([len(rates)])
    sums, covered, size = tf.zeros_like(block), 0, 1
    while size <= length:
        if length & size:
            sums += _shift(block, covered) * (rates**covered).astype(np.float32)
            covered += size
        block += _shift(block, size) * (rates**size).astype(np.float32)
        size *= 2
    return sums


def _shift(values: tf.Tensor, days: int) -> tf.Tensor:
    """Values of `days` earlier, zeros where there are none; [batch, time, n]."""
    return tf.pad(values, [[0, 0], [days, 0], [0, 0]])[:, : tf.shape(values)[1]]


def _log_ratio(numerator: tf.Tensor, denominator: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(tf.math.log(numerator / denominator), -RATIO_LIMIT, RATIO_LIMIT)


def _range_features(high: tf.Tensor, low: tf.Tensor, volatility: tf.Tensor, previous: tf.Tensor) -> tf.Tensor:
    """The day's range and its fast mean, as Parkinson volatilities beside the volatility of closes.

    A ticker whose recent days all have high equal to low has no intraday prices: zeros then.
    """
    squares = tf.square(tf.math.log(high / low)) / PARKINSON_FACTOR
    mean = decayed_means(squares, (FAST_DECAY,), WARMUP, first=0)[:, :, 0]
    has_range = tf.cast(mean > (VOLATILITY_FLOOR / 10.0) ** 2, tf.float32)
    floor = VOLATILITY_FLOOR / 2.0
    today = _log_ratio(tf.maximum(tf.sqrt(squares), floor), previous)
    recent = _log_ratio(tf.maximum(tf.sqrt(mean), floor), volatility)
    return tf.stack([today * has_range, recent * has_range, has_range], axis=-1)


def _volume_ratio(volume: tf.Tensor) -> tf.Tensor:
    """Log of the day's volume over its mean of the last VOLUME_DAYS days; 0 where there is none."""
    mean = decayed_means(volume, (1.0,), VOLUME_DAYS, first=0)
    ratio = _log_ratio(tf.maximum(volume[:, :, tf.newaxis], 1.0), tf.maximum(mean, 1.0))
    return tf.where(mean > 0.0, ratio, tf.zeros_like(ratio))
