"""The network's corrections as quantiles of the log return: of the latest day, and of each day of a chunk."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from components import contract
from components.train import model
from components.transform import features as causal

ROOT_HORIZONS = np.sqrt(np.asarray(contract.HORIZONS, np.float32))[:, np.newaxis]
"""sqrt(h), [horizons, 1]: scales a daily volatility to a horizon."""


def forecast_days(
    network: keras.Model, features: tf.Tensor, volatility: tf.Tensor, base_quantiles: tf.Tensor
) -> tf.Tensor:
    """Forecasts at each day behind the first contract.LOOKBACK.

    Args:
      network: of model.build_network.
      features: [batch, LOOKBACK + days, num_features]; volatility: [batch, LOOKBACK + days], a fraction.
      base_quantiles: [batch, horizons, levels], in units of volatility * sqrt(horizon).
    Returns:
      Log-return quantiles [batch, days, horizons, levels].
    """
    start = contract.LOOKBACK - causal.NETWORK_STEPS + 1
    corrections = network(features[:, start:], training=False)[:, causal.NETWORK_STEPS - 1 :]
    return to_returns(corrections, volatility[:, contract.LOOKBACK :], base_quantiles[:, tf.newaxis])


def last_corrections(network: keras.Model, features: tf.Tensor) -> tf.Tensor:
    """Corrections of the last step, [batch, corrections], with the steps laid out one by one.

    The network's own cells and weights; only the while-loop is gone, which costs a short request
    about half of its time.
    """
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.LSTM)]
    states = [layer.cell.get_initial_state(batch_size=tf.shape(features)[0]) for layer in layers]
    for step in range(causal.NETWORK_STEPS):
        outputs = features[:, step]
        for index, layer in enumerate(layers):
            outputs, states[index] = layer.cell(outputs, states[index], training=False)
    return model.bound_corrections(network, outputs)


def to_returns(corrections: tf.Tensor, volatility: tf.Tensor, base: tf.Tensor) -> tf.Tensor:
    """Log-return quantiles [..., horizons, levels] of corrections [..., n] at volatility [...]."""
    standardised = model.correct_quantiles(corrections, base)
    return standardised * volatility[..., tf.newaxis, tf.newaxis] * ROOT_HORIZONS
