"""SavedModels without a network: volatility times fixed quantiles, behind the `evaluate` signature."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components import contract
from components.transform import features
from tests.components.evaluate.simulated_chunks import ROOT_HORIZONS

LONG_RUN_SHARE = 0.2
"""Weight of the long-run variance in the variance of a day that simulated_bars draws."""
REACTION_DECAY = 0.9


class VolatilityModel(tf.Module):
    """Forecasts volatility * sqrt(horizon) * quantiles * spread at each target day."""

    def __init__(self, base: np.ndarray, quantiles: np.ndarray, spread: float, knows_garch: bool) -> None:
        """Makes a model.

        Args:
          base: [horizons, levels] train quantiles, of which the baseline is made.
          quantiles: [horizons, levels], those the model itself uses.
          spread: factor on the bands' width.
          knows_garch: use the law that the simulated bars follow, not the EWMA.
        """
        super().__init__()
        self._base = tf.constant(base, tf.float32)
        self._shape = tf.constant(ROOT_HORIZONS * quantiles * spread, tf.float32)
        self._knows_garch = knows_garch

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, contract.EXAMPLES_INPUT)])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers as the contract says; days beyond a chunk's own are padding."""
        spec = {name: tf.io.RaggedFeature(tf.float32) for name in contract.BAR_COLUMNS}
        parsed = tf.io.parse_example(examples, spec)
        bars = {name: column.to_tensor(default_value=1.0) for name, column in parsed.items()}
        ewma = features.compute_features(bars).volatility
        used = self._garch(bars[contract.ADJ_CLOSE]) if self._knows_garch else ewma
        used = used[:, contract.LOOKBACK :]
        return {
            contract.RETURN_QUANTILES: used[:, :, tf.newaxis, tf.newaxis] * self._shape,
            contract.VOLATILITY: ewma[:, contract.LOOKBACK :],
            contract.BASE_QUANTILES: tf.repeat(self._base[tf.newaxis], tf.shape(used)[0], axis=0),
        }

    def _garch(self, adj_close: tf.Tensor) -> tf.Tensor:
        """The next day's GARCH volatility, its long-run level guessed from the last 250 days."""
        log_price = tf.math.log(adj_close)
        squares = tf.square(tf.pad(log_price[:, 1:] - log_price[:, :-1], [[0, 0], [1, 0]]))
        means = [
            features.decayed_means(squares, (decay,), length, first=1)[:, :, 0]
            for decay, length in ((REACTION_DECAY, 100), (1.0, 250))
        ]
        return tf.sqrt((1.0 - LONG_RUN_SHARE) * means[0] + LONG_RUN_SHARE * means[1])


def save_model(model: VolatilityModel, directory: str) -> None:
    """Writes the model with its one signature."""
    tf.saved_model.save(model, directory, signatures={contract.EVALUATE_SIGNATURE: model.evaluate})
