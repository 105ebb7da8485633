"""The forecasting network: a causal LSTM that corrects the EWMA baseline's quantiles."""

from __future__ import annotations

import keras
from keras import ops

from components import contract
from components.train.config import ModelConfig

NUM_HORIZONS = len(contract.HORIZONS)
NUM_LEVELS = len(contract.QUANTILE_LEVELS)
NUM_FREE = NUM_LEVELS - 1
"""Corrections of the first horizon: one for each increment between neighbouring levels."""
NUM_SCALED = 2 * (NUM_HORIZONS - 1)
"""Corrections of each later horizon: one of its lower half, one of its upper half."""
NUM_CORRECTIONS = NUM_FREE + NUM_SCALED
CORRECTIONS_LAYER = "corrections"
BOUND_LAYER = "bounded_corrections"


def build_network(config: ModelConfig, num_features: int) -> keras.Model:
    """Builds the causal network: features of a day and the days before it in, corrections out.

    Args:
      config: shape of the network.
      num_features: size of the last input axis.
    Returns:
      A model float32 [batch, time, num_features] -> float32 [batch, time, NUM_CORRECTIONS], whose
      answer is zero until it is trained.
    """
    inputs = keras.Input((None, num_features), name=contract.FEATURES)
    x = inputs
    for index in range(config.layers):
        x = keras.layers.LSTM(config.units, return_sequences=True, name=f"lstm_{index}")(x)
        x = keras.layers.Dropout(config.dropout, name=f"dropout_{index}")(x)
    corrections = keras.layers.Dense(
        NUM_CORRECTIONS, kernel_initializer="zeros", bias_initializer="zeros", name=CORRECTIONS_LAYER
    )(x)
    bounded = BoundedCorrections(config.correction_limit, name=BOUND_LAYER)(corrections)
    return keras.Model(inputs, bounded, name=contract.MODEL_NAME)


class BoundedCorrections(keras.layers.Layer):
    """Squashes corrections smoothly into (-limit, limit); the slope at zero is one."""

    def __init__(self, limit: float, **kwargs) -> None:
        super().__init__(**kwargs)
        self.limit = limit

    def call(self, inputs):
        """limit * tanh(inputs / limit), same shape."""
        return self.limit * ops.tanh(inputs / self.limit)


def bound_corrections(network: keras.Model, outputs):
    """The layers of `network` behind its last LSTM, for outputs [batch, units] of one step."""
    return network.get_layer(BOUND_LAYER)(network.get_layer(CORRECTIONS_LAYER)(outputs))


def correct_quantiles(corrections, base_quantiles):
    """Applies corrections to the base quantiles; monotone by construction.

    Medians stay where the train split put them: a free median lost to the random walk. For the
    first horizon each increment between neighbouring levels is scaled by exp(correction); for
    later ones the lower and the upper half are scaled by one factor each. Zeros return the base.

    Args:
      corrections: [..., NUM_CORRECTIONS].
      base_quantiles: broadcastable to [..., NUM_HORIZONS, NUM_LEVELS], increasing in the last axis,
        in units of volatility * sqrt(horizon).
    Returns:
      Quantiles in the same units, [..., NUM_HORIZONS, NUM_LEVELS].
    """
    middle = contract.MEDIAN_INDEX
    free, scaled = corrections[..., :NUM_FREE], corrections[..., NUM_FREE:]
    lower = ops.repeat(scaled[..., 0::2, None], middle, axis=-1)
    upper = ops.repeat(scaled[..., 1::2, None], NUM_LEVELS - 1 - middle, axis=-1)
    later = ops.concatenate([lower, upper], axis=-1)
    factors = ops.exp(ops.concatenate([free[..., None, :], later], axis=-2))
    increments = (base_quantiles[..., 1:] - base_quantiles[..., :-1]) * factors
    below = -ops.flip(ops.cumsum(ops.flip(increments[..., :middle], axis=-1), axis=-1), axis=-1)
    above = ops.cumsum(increments[..., middle:], axis=-1)
    distances = ops.concatenate([below, ops.zeros_like(below[..., :1]), above], axis=-1)
    return base_quantiles[..., middle : middle + 1] + distances


def pinball_loss(labels, quantiles):
    """Pinball (quantile) loss of each label and level.

    Args:
      labels: [..., NUM_HORIZONS]; quantiles: [..., NUM_HORIZONS, NUM_LEVELS], same units.
    Returns:
      max(tau * e, (tau - 1) * e) with e = label - quantile, [..., NUM_HORIZONS, NUM_LEVELS].
    Source: Koenker and Bassett (1978), Econometrica 46(1).
    """
    levels = ops.convert_to_tensor(contract.QUANTILE_LEVELS, dtype="float32")
    errors = labels[..., None] - quantiles
    return ops.maximum(levels * errors, (levels - 1.0) * errors)
