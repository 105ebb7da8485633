"""A small real SavedModel with marketcast's public signatures: EWMA volatility times fixed quantiles."""

from __future__ import annotations

import pathlib

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from components import contract
from components.push import manifest
from components.train.signatures import repeat_for_rows, widen_text

DECAY = 0.94
STANDARD_QUANTILES = (-1.6, -1.3, -0.7, 0.0, 0.7, 1.3, 1.6)
BARS = {
    contract.TICKER: tf.TensorSpec([None], tf.string, contract.TICKER),
    **{name: tf.TensorSpec([None, None], tf.float32, name) for name in contract.BAR_COLUMNS},
}
EXAMPLE = {name: tf.io.FixedLenFeature([contract.LOOKBACK], tf.float32) for name in contract.BAR_COLUMNS} | {
    contract.TICKER: tf.io.FixedLenFeature([], tf.string)
}


class TinyModel(tf.Module):
    """Quantiles of a random walk with EWMA volatility; refuses bars as the real model does."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._quantiles = tf.Variable(STANDARD_QUANTILES)
        self._version = tf.constant(version)

    def forecast(self, **bars):
        """See the `forecast` signature in components/train/signatures.py."""
        close, adjusted = bars[contract.CLOSE], bars[contract.ADJ_CLOSE]
        num_bars = tf.shape(close)[1]
        rules = (
            (
                num_bars >= contract.LOOKBACK,
                f"a forecast must be given at least {contract.LOOKBACK} bars, got",
            ),
            (
                tf.reduce_all(tf.math.is_finite(close) & (close > 0)),
                "close must be positive and finite, bars:",
            ),
        )
        with tf.control_dependencies([tf.debugging.Assert(fine, [rule, num_bars]) for fine, rule in rules]):
            returns = tf.math.log(adjusted[:, 1:] / adjusted[:, :-1])[:, -contract.LOOKBACK + 1 :]
        weights = DECAY ** tf.cast(tf.range(contract.LOOKBACK - 2, -1, -1), tf.float32)
        volatility = tf.sqrt(tf.reduce_sum(weights * returns**2, axis=1) / tf.reduce_sum(weights))
        horizons = tf.constant(contract.HORIZONS, tf.int32)
        scale = volatility[:, tf.newaxis] * tf.sqrt(tf.cast(horizons, tf.float32))
        quantiles = scale[..., tf.newaxis] * self._quantiles
        return {
            contract.RETURN_QUANTILES: quantiles,
            contract.PRICE_QUANTILES: close[:, -1, tf.newaxis, tf.newaxis] * tf.exp(quantiles),
            contract.LAST_CLOSE: close[:, -1],
            contract.QUANTILE_LEVELS_OUTPUT: tf.constant(contract.QUANTILE_LEVELS, tf.float32),
            contract.HORIZONS_OUTPUT: horizons,
            contract.MODEL_VERSION: tf.identity(self._version),
        }

    def forecast_examples(self, examples):
        """The same from serialized tf.Examples."""
        return self.forecast(**tf.io.parse_example(examples, EXAMPLE))


class TinyMarketModel(TinyModel):
    """One whose bands are wider by a hundredth for each other ticker of the same last day."""

    def forecast(self, **bars):
        """As that of a model with market features: it tells that it has seen none."""
        answer = super().forecast(**bars)
        return answer | {contract.HAS_MARKET: tf.zeros_like(answer[contract.LAST_CLOSE])}

    def forecast_universe(self, **bars):
        """See the `forecast_universe` signature in components/train/signatures.py."""
        last = bars.pop(contract.DATE)[:, -1]
        answer = super().forecast(**bars)
        others = tf.reduce_sum(tf.cast(last[:, tf.newaxis] == last, tf.float32), axis=1) - 1.0
        quantiles = answer[contract.RETURN_QUANTILES] * (1.0 + 0.01 * others)[:, tf.newaxis, tf.newaxis]
        prices = answer[contract.LAST_CLOSE][:, tf.newaxis, tf.newaxis] * tf.exp(quantiles)
        return answer | {
            contract.RETURN_QUANTILES: quantiles,
            contract.PRICE_QUANTILES: prices,
            contract.HAS_MARKET: tf.cast(others > 0.0, tf.float32),
        }


def save_tiny_model(folder: pathlib.Path, version: str, sees_market: bool = False) -> None:
    """Writes a SavedModel whose `model_version` answers `version`."""
    model = TinyMarketModel(version) if sees_market else TinyModel(version)
    examples = tf.TensorSpec([None], tf.string, contract.EXAMPLES_INPUT)
    forecast = tf.function(model.forecast).get_concrete_function(**BARS)
    signatures = {
        contract.FORECAST_SIGNATURE: forecast,
        contract.ROW_FORECAST_SIGNATURE: tf.function(
            lambda **bars: repeat_for_rows(forecast(**bars))
        ).get_concrete_function(**BARS),
        contract.DEFAULT_SIGNATURE: tf.function(
            lambda examples: widen_text(repeat_for_rows(model.forecast_examples(examples)))
        ).get_concrete_function(examples=examples),
    }
    if sees_market:
        days = tf.TensorSpec([None, None], tf.int64, contract.DATE)
        signatures[contract.UNIVERSE_SIGNATURE] = tf.function(model.forecast_universe).get_concrete_function(
            **BARS, **{contract.DATE: days}
        )
    tf.saved_model.save(model, str(folder), signatures=signatures)
    (folder / contract.ASSETS_EXTRA).mkdir()


def add_manifest(folder: pathlib.Path) -> None:
    """Lists the files of a version, as a push does."""
    manifest.write_manifest(str(folder))


def add_warmup(folder: pathlib.Path, bars: dict[str, tf.Tensor]) -> None:
    """Writes one warm-up request."""
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = contract.MODEL_NAME
    request.model_spec.signature_name = contract.FORECAST_SIGNATURE
    for name, values in bars.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    with tf.io.TFRecordWriter(str(folder / contract.ASSETS_EXTRA / contract.WARMUP_FILE)) as writer:
        writer.write(log.SerializeToString())
