"""Features of one ticker's bars in memory: what Transform makes of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components import contract
from components.ingest.bars import TickerBars
from components.transform import features as causal


def compute_features(bars: TickerBars) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What Transform makes of one ticker's n bars.

    Returns:
      float32: features [n, NUM_FEATURES] and volatility [n].
    """
    derived = derive(bars)
    return derived.features[0].numpy(), derived.volatility[0].numpy()


def derive(bars: TickerBars) -> causal.CausalFeatures:
    """The same as tensors of a batch of one."""
    columns = {
        name: tf.constant(getattr(bars, name)[np.newaxis], tf.float32) for name in contract.BAR_COLUMNS
    }
    return _compute(columns)


_compute = tf.function(causal.compute_features, reduce_retracing=True)
