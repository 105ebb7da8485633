"""The SavedModel: raw bars in, quantiles out, with the Transform graph and the network inside."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import contract
from components.train import model
from components.transform import features as causal

NUM_HORIZONS = len(contract.HORIZONS)
ROOT_HORIZONS = np.sqrt(np.asarray(contract.HORIZONS, np.float32))[:, np.newaxis]
"""sqrt(h), [horizons, 1]: scales a daily volatility to a horizon."""

FORECAST_INPUTS = {
    contract.TICKER: tf.TensorSpec([None], tf.string, contract.TICKER),
    **{name: tf.TensorSpec([None, None], tf.float32, name) for name in contract.BAR_COLUMNS},
}
REQUEST_SPEC = {name: tf.io.RaggedFeature(tf.float32) for name in contract.BAR_COLUMNS} | {
    contract.TICKER: tf.io.FixedLenFeature([], tf.string)
}


class Forecaster:
    """One graph from raw bars to price quantiles, saved with four signatures."""

    def __init__(self, network: keras.Model, transform: tft.TFTransformOutput, version: str) -> None:
        """Joins the parts.

        Args:
          network: a trained network of model.build_network.
          transform: output of the Transform component.
          version: what `model_version` answers.
        """
        self._network = network
        self._transform = transform.transform_features_layer()
        self._version = version
        raw_spec = transform.raw_feature_spec()
        self._chunk_spec = {name: raw_spec[name] for name in contract.BAR_COLUMNS}

    def signatures(self) -> dict[str, Callable]:
        """The concrete functions to save, by signature name."""
        examples = tf.TensorSpec([None], tf.string, contract.EXAMPLES_INPUT)
        forecast = tf.function(lambda **bars: self.forecast(bars), autograph=False).get_concrete_function(
            **FORECAST_INPUTS
        )
        return {
            contract.FORECAST_SIGNATURE: forecast,
            contract.ROW_FORECAST_SIGNATURE: tf.function(
                lambda **bars: repeat_for_rows(forecast(**bars)), autograph=False
            ).get_concrete_function(**FORECAST_INPUTS),
            contract.DEFAULT_SIGNATURE: tf.function(
                lambda examples: widen_text(repeat_for_rows(self.forecast_examples(examples))),
                autograph=False,
            ).get_concrete_function(examples=examples),
            contract.EVALUATE_SIGNATURE: tf.function(
                lambda examples: self.evaluate(examples), autograph=False
            ).get_concrete_function(examples=examples),
        }

    def forecast(self, bars: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Forecasts from the latest bars of each ticker: the public `forecast` signature.

        Args:
          bars: ticker string [batch] and BAR_COLUMNS float32 [batch, time], oldest first.
        Returns:
          return_quantiles and price_quantiles [batch, horizons, levels], last_close [batch],
          quantile_levels [levels], horizons [horizons], model_version [].
        Raises:
          tf.errors.InvalidArgumentError: too few bars, or a bar that is no bar.
        """
        columns = {name: bars[name] for name in contract.BAR_COLUMNS}
        with tf.control_dependencies(_check_bars(bars[contract.TICKER], columns)):
            latest = {name: column[:, -contract.LOOKBACK :] for name, column in columns.items()}
            latest = {name: tf.ensure_shape(c, [None, contract.LOOKBACK]) for name, c in latest.items()}
        features, volatility, base = self._derive(
            {name: tf.RaggedTensor.from_tensor(column) for name, column in latest.items()}
        )
        corrections = _last_corrections(self._network, features[:, -causal.NETWORK_STEPS :])
        returns = _to_returns(corrections, volatility[:, -1], base)
        last_close = latest[contract.CLOSE][:, -1]
        return {
            contract.RETURN_QUANTILES: returns,
            contract.PRICE_QUANTILES: last_close[:, tf.newaxis, tf.newaxis] * tf.exp(returns),
            contract.LAST_CLOSE: last_close,
            contract.QUANTILE_LEVELS_OUTPUT: tf.constant(contract.QUANTILE_LEVELS, tf.float32),
            contract.HORIZONS_OUTPUT: tf.constant(contract.HORIZONS, tf.int32),
            contract.MODEL_VERSION: tf.constant(self._version),
        }

    def forecast_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Forecasts from serialized tf.Examples, string [batch]; see `forecast`.

        Each example holds a ticker and its latest bars; their number may differ between rows.
        """
        parsed = tf.io.parse_example(examples, REQUEST_SPEC)
        columns = {name: parsed[name] for name in contract.BAR_COLUMNS}
        with tf.control_dependencies(_check_lengths(parsed[contract.TICKER], columns)):
            latest = {name: column[:, -contract.LOOKBACK :].to_tensor() for name, column in columns.items()}
        return self.forecast(latest | {contract.TICKER: parsed[contract.TICKER]})

    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Forecasts at each target day of chunk examples: what the Evaluator scores.

        Args:
          examples: serialized chunk examples, string [batch].
        Returns:
          return_quantiles [batch, days, horizons, levels], volatility [batch, days] and
          base_quantiles [batch, horizons, levels]; rows of shorter chunks end in padding.
        """
        features, volatility, base = self._derive(tf.io.parse_example(examples, self._chunk_spec))
        return {
            contract.RETURN_QUANTILES: forecast_days(self._network, features, volatility, base),
            contract.VOLATILITY: volatility[:, contract.LOOKBACK :],
            contract.BASE_QUANTILES: base,
        }

    def _derive(self, bars: dict[str, tf.RaggedTensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Runs the Transform graph: features, volatility, base quantiles [batch, horizons, levels]."""
        transformed = self._transform(bars)
        base = tf.reshape(
            transformed[contract.BASE_QUANTILES], [-1, NUM_HORIZONS, len(contract.QUANTILE_LEVELS)]
        )
        return (
            transformed[contract.FEATURES].to_tensor(),
            transformed[contract.VOLATILITY].to_tensor(default_value=causal.VOLATILITY_FLOOR),
            base,
        )

    def save(self, directory: str) -> None:
        """Writes the SavedModel.

        The bare tf.Variables are tracked, not the Keras layers: with those, the restore operation fills
        copies of the variables that no signature reads. tf.saved_model.load does not mind, TensorFlow
        Serving's loader does (seen with Keras 3.15 on TensorFlow 2.16).
        """
        tracked = tf.Module(name=contract.MODEL_NAME)
        tracked.weights = [variable.value for variable in self._network.variables]
        tracked.transform = self._transform
        tf.saved_model.save(tracked, directory, signatures=self.signatures())


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
    return _to_returns(corrections, volatility[:, contract.LOOKBACK :], base_quantiles[:, tf.newaxis])


def repeat_for_rows(forecast: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The outputs of `forecast`, those that all tickers share repeated: each is [batch, ...]."""
    num_rows = tf.shape(forecast[contract.LAST_CLOSE])[0]
    shared = (contract.QUANTILE_LEVELS_OUTPUT, contract.HORIZONS_OUTPUT, contract.MODEL_VERSION)
    repeated = {name: tf.repeat(forecast[name][tf.newaxis], num_rows, axis=0) for name in shared}
    return forecast | repeated


def widen_text(rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The outputs of repeat_for_rows with model_version as [batch, 1].

    BulkInferrer takes each row of an output for an array, and one string of a [batch] is none.
    Source: tfx_bsl.beam.run_inference, _PredictModelHandler._post_process.
    """
    return rows | {contract.MODEL_VERSION: rows[contract.MODEL_VERSION][:, tf.newaxis]}


def _last_corrections(network: keras.Model, features: tf.Tensor) -> tf.Tensor:
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


def _to_returns(corrections: tf.Tensor, volatility: tf.Tensor, base: tf.Tensor) -> tf.Tensor:
    """Log-return quantiles [..., horizons, levels] of corrections [..., n] at volatility [...]."""
    standardised = model.correct_quantiles(corrections, base)
    return standardised * volatility[..., tf.newaxis, tf.newaxis] * ROOT_HORIZONS


def _check_lengths(ticker: tf.Tensor, columns: dict[str, tf.RaggedTensor]) -> list[tf.Operation]:
    """Asserts that each row has as many of each column, and enough of them."""
    lengths = tf.stack([column.row_lengths() for column in columns.values()], axis=-1)
    same = tf.reduce_all(lengths == lengths[:, :1], axis=-1)
    enough = tf.reduce_all(lengths >= contract.LOOKBACK, axis=-1)
    return [
        _assert_rows(same, ticker, "each of the six bar columns must have as many values as the others"),
        _assert_rows(enough, ticker, f"a forecast must be given at least {contract.LOOKBACK} bars"),
    ]


def _check_bars(ticker: tf.Tensor, columns: dict[str, tf.Tensor]) -> list[tf.Operation]:
    """Asserts shapes, then values, of a request's bars."""
    reference = tf.shape(columns[contract.CLOSE])
    checks = [
        tf.debugging.Assert(
            tf.reduce_all(tf.shape(column) == reference),
            [f"{name} must have the shape of close", reference, "but has", tf.shape(column)],
        )
        for name, column in columns.items()
        if name != contract.CLOSE
    ]
    checks.append(
        tf.debugging.Assert(
            tf.equal(tf.shape(ticker)[0], reference[0]),
            ["ticker must have one name for each row of bars:", tf.shape(ticker), "for", reference],
        )
    )
    checks.append(
        tf.debugging.Assert(
            reference[1] >= contract.LOOKBACK,
            [f"a forecast must be given at least {contract.LOOKBACK} bars, got", reference[1]],
        )
    )
    with tf.control_dependencies(checks):
        return [_check_values(ticker, name, column) for name, column in columns.items()]


def _check_values(ticker: tf.Tensor, name: str, column: tf.Tensor) -> tf.Operation:
    """Asserts that prices are positive and finite, and volumes finite and not negative."""
    if name == contract.VOLUME:
        fine = tf.math.is_finite(column) & (column >= 0.0)
        rule = "finite and not negative"
    else:
        fine = tf.math.is_finite(column) & (column > 0.0)
        rule = "positive and finite"
    return _assert_rows(tf.reduce_all(fine, axis=-1), ticker, f"{name} must be {rule} in each bar")


def _assert_rows(fine: tf.Tensor, ticker: tf.Tensor, rule: str) -> tf.Operation:
    """Asserts `fine` [batch] and names the tickers for which it is false."""
    return tf.debugging.Assert(
        tf.reduce_all(fine), [f"{rule}; not so for", tf.boolean_mask(ticker, ~fine)], summarize=5
    )
