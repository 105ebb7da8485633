"""The tensorflow-transform adapter: causal features and the constants learnt on `train`."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import contract
from components.transform import features as causal

QUANTILE_EPSILON = 1e-4
"""Rank error of the learnt quantiles; below half a row on small data, so exact there."""
NUM_BUCKETS = 20
"""The levels of a forecast are multiples of 1 / NUM_BUCKETS."""

NEUTRAL_PRICE = 1.0
"""Fills the end of shorter rows in a batch; causal features of real days never see it."""


def preprocessing_fn(inputs: dict[str, tf.RaggedTensor]) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    """Derives the network's inputs from chunks of bars.

    Args:
      inputs: the chunk example's features; bar columns, LABEL and LABEL_MASK are ragged.
    Returns:
      FEATURES and VOLATILITY, ragged over the bars of each chunk; LABEL and LABEL_MASK as they
      came; BASE_QUANTILES, learnt on the `train` split (the only one tft analyses) and the same
      in each row.
    """
    bars = {name: densify(inputs[name], name) for name in contract.BAR_COLUMNS}
    lengths = inputs[contract.CLOSE].row_lengths()
    result = causal.compute_features(bars)
    base = _learn_base_quantiles(inputs, result.volatility, lengths)
    batch_size = tf.shape(result.volatility)[0]
    return {
        contract.FEATURES: tf.RaggedTensor.from_tensor(result.features, lengths=lengths),
        contract.VOLATILITY: tf.RaggedTensor.from_tensor(result.volatility, lengths=lengths),
        contract.LABEL: inputs[contract.LABEL],
        contract.LABEL_MASK: inputs[contract.LABEL_MASK],
        contract.BASE_QUANTILES: tf.tile(base[tf.newaxis], [batch_size, 1]),
    }


def densify(column: tf.RaggedTensor, name: str) -> tf.Tensor:
    """A bar column as [batch, longest]; shorter rows end in neutral values that stay finite."""
    return column.to_tensor(default_value=0.0 if name == contract.VOLUME else NEUTRAL_PRICE)


def _learn_base_quantiles(
    inputs: dict[str, tf.RaggedTensor], volatility: tf.Tensor, lengths: tf.Tensor
) -> tf.Tensor:
    """Quantiles of each horizon's return over volatility * sqrt(horizon); [horizons * levels]."""
    num_horizons = len(contract.HORIZONS)
    labels = tf.reshape(inputs[contract.LABEL].flat_values, [-1, num_horizons])
    weights = tf.reshape(inputs[contract.LABEL_MASK].flat_values, [-1, num_horizons])
    is_target = tf.sequence_mask(lengths, dtype=tf.bool) & ~tf.sequence_mask(
        tf.fill(tf.shape(lengths), tf.constant(contract.LOOKBACK, lengths.dtype)), tf.shape(volatility)[1]
    )
    scale = tf.boolean_mask(volatility, is_target)
    learnt = [
        _quantiles(labels[:, index] / (scale * np.float32(np.sqrt(horizon))), weights[:, index])
        for index, horizon in enumerate(contract.HORIZONS)
    ]
    return tf.concat(learnt, axis=0)


def _quantiles(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weighted quantiles of `values` at QUANTILE_LEVELS over the analysed split; [levels]."""
    boundaries = tft.quantiles(values, NUM_BUCKETS, QUANTILE_EPSILON, weights=weights)[0]
    positions = [round(level * NUM_BUCKETS) - 1 for level in contract.QUANTILE_LEVELS]
    return tf.gather(tf.reshape(boundaries, [NUM_BUCKETS - 1]), positions)
