"""Market features: what all tickers did on the same day, as TensorFlow functions, in training and serving.

Each ticker contributes to a day what features.py derives of its own bars, once WARMUP returns lie before
that day: so the contribution does not hang on where its bars begin. Contributions are whole numbers, so
that their sum has the same bits in whatever order tickers are added. No day reads a later one.
"""

from __future__ import annotations

import tensorflow as tf

from components import contract
from components.transform import features as causal

NUM_MARKET_FEATURES = len(contract.MARKET_FEATURES)
FIRST_DAY = causal.WARMUP + 1
"""First bar of a ticker that contributes; bar 0 has no return."""
NUM_SUMS = 5
"""Of a day: tickers, and their standardised returns, the absolute values, the squares and volatilities."""
UNIT = 2.0**30
"""Contributions are counted in 1 / UNIT; the sums of a million tickers are far from the end of int64."""
MARKET_SPEC = {contract.MARKET: tf.io.RaggedFeature(tf.float32)}
"""How an example's market is parsed; no values where it has none."""
_RETURN = causal.FEATURE_NAMES.index("standardised_return")


def contribute(derived: causal.CausalFeatures) -> tf.Tensor:
    """What each ticker adds to the sums of each day.

    Args:
      derived: of features.compute_features, float32 [batch, time, ...].
    Returns:
      int64 [batch, time, NUM_SUMS]; zeros before FIRST_DAY.
    """
    returns = tf.cast(derived.features[:, :, _RETURN], tf.float64)
    volatility = tf.cast(derived.volatility, tf.float64)
    parts = tf.stack([returns, tf.abs(returns), tf.square(returns), volatility], axis=-1)
    whole = tf.cast(tf.round(parts * UNIT), tf.int64)
    own = tf.concat([tf.ones_like(whole[:, :, :1]), whole], axis=-1)
    is_known = tf.range(tf.shape(own)[1]) >= FIRST_DAY
    return tf.where(is_known[:, tf.newaxis], own, tf.zeros_like(own))


def combine(sums: tf.Tensor, min_tickers: int) -> tf.Tensor:
    """The market of each day.

    Args:
      sums: of `contribute` over tickers, int64 [..., NUM_SUMS].
      min_tickers: a day of fewer has no market.
    Returns:
      float32 [..., NUM_MARKET_FEATURES], dimensionless, in the order of contract.MARKET_FEATURES; zeros
      where there is no market.
    """
    counts = sums[..., 0]
    divisors = tf.cast(tf.maximum(counts, 1), tf.float64)[..., tf.newaxis] * UNIT
    mean, absolute, square, volatility = tf.unstack(tf.cast(sums[..., 1:], tf.float64) / divisors, axis=-1)
    dispersion = tf.sqrt(tf.maximum(square - tf.square(mean), 0.0))
    level = tf.math.log(tf.maximum(volatility, causal.VOLATILITY_FLOOR) / causal.TYPICAL_VOLATILITY)
    market = tf.stack([mean, absolute, level, dispersion, tf.ones_like(mean)], axis=-1)
    has_market = (counts >= min_tickers)[..., tf.newaxis]
    return tf.cast(tf.where(has_market, market, tf.zeros_like(market)), tf.float32)


def compute_market(derived: causal.CausalFeatures, dates: tf.Tensor, min_tickers: int) -> tf.Tensor:
    """The market of each bar's day among the rows that are given.

    Args:
      derived: of features.compute_features for n tickers, float32 [n, time, ...].
      dates: int64 [n, time], days since 1970-01-01.
      min_tickers: see `combine`.
    Returns:
      float32 [n, time, NUM_MARKET_FEATURES].
    """
    own = contribute(derived)
    days, positions = tf.unique(tf.reshape(dates, [-1]))
    sums = tf.math.unsorted_segment_sum(tf.reshape(own, [-1, NUM_SUMS]), positions, tf.size(days))
    shape = tf.concat([tf.shape(dates), [NUM_MARKET_FEATURES]], axis=0)
    return tf.reshape(tf.gather(combine(sums, min_tickers), positions), shape)


def fill_market(parsed: tf.RaggedTensor, num_bars: tf.Tensor | int) -> tf.Tensor:
    """The market of examples of at most `num_bars` bars.

    Args:
      parsed: of MARKET_SPEC, [batch, (bars * NUM_MARKET_FEATURES)].
      num_bars: bars of the longest example.
    Returns:
      float32 [batch, num_bars, NUM_MARKET_FEATURES]; shorter rows, and those without, end in zeros: no
      market.
    """
    given = parsed.to_tensor()[:, : num_bars * NUM_MARKET_FEATURES]
    missing = num_bars * NUM_MARKET_FEATURES - tf.shape(given)[1]
    flat = tf.pad(given, [[0, 0], [0, missing]])
    return tf.reshape(flat, [-1, num_bars, NUM_MARKET_FEATURES])
