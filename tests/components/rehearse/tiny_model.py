"""A SavedModel of a few operations that keeps the contract, and ones that break it; imports TensorFlow."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from components import contract
from components.rehearse import golden
from components.train.signatures import repeat_for_rows, widen_text

NUM_REQUESTS = 3
NORMAL_QUANTILES = np.asarray([-1.645, -1.282, -0.674, 0.0, 0.674, 1.282, 1.645], np.float32)
ROOT_HORIZONS = np.sqrt(np.asarray(contract.HORIZONS, np.float32))[:, np.newaxis]
FORECAST_INPUTS = {
    contract.TICKER: tf.TensorSpec([None], tf.string, contract.TICKER),
    **{name: tf.TensorSpec([None, None], tf.float32, name) for name in contract.BAR_COLUMNS},
}
EXAMPLES_INPUTS = {contract.EXAMPLES_INPUT: tf.TensorSpec([None], tf.string, contract.EXAMPLES_INPUT)}
REQUEST_SPEC = {name: tf.io.RaggedFeature(tf.float32) for name in contract.BAR_COLUMNS} | {
    contract.TICKER: tf.io.FixedLenFeature([], tf.string)
}

Bars = Mapping[str, tf.Tensor]


class TinyModule(tf.Module):
    """Normal quantiles around the last close, as wide as the last days moved."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self._width = tf.Variable(width)

    def forecast(self, bars: Bars) -> dict[str, tf.Tensor]:
        """Answers the `forecast` signature."""
        with tf.control_dependencies(self.check(bars)):
            adj_close = self.look_at(bars[contract.ADJ_CLOSE][:, -contract.LOOKBACK :])
        moves = tf.math.log(adj_close[:, 1:] / adj_close[:, :-1])
        volatility = self._width * tf.math.reduce_std(moves, axis=-1)
        returns = volatility[:, tf.newaxis, tf.newaxis] * ROOT_HORIZONS * NORMAL_QUANTILES
        last_close = bars[contract.CLOSE][:, -1]
        return {
            contract.RETURN_QUANTILES: returns,
            contract.PRICE_QUANTILES: last_close[:, tf.newaxis, tf.newaxis] * tf.exp(returns),
            contract.LAST_CLOSE: last_close,
            contract.QUANTILE_LEVELS_OUTPUT: tf.constant(contract.QUANTILE_LEVELS, tf.float32),
            contract.HORIZONS_OUTPUT: tf.constant(contract.HORIZONS, tf.int32),
            contract.MODEL_VERSION: tf.constant("tiny"),
        }

    def check(self, bars: Bars) -> list[tf.Operation]:
        """Refuses what is no bar."""
        columns = tf.stack([bars[name] for name in contract.BAR_COLUMNS])
        volume = bars[contract.VOLUME]
        return [
            tf.debugging.Assert(tf.shape(columns)[-1] >= contract.LOOKBACK, ["too few bars"]),
            tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(columns)), ["not finite"]),
            tf.debugging.Assert(tf.reduce_all(columns[:-1] > 0.0), ["a price is not positive"]),
            tf.debugging.Assert(tf.reduce_all(volume >= 0.0), ["a volume is negative"]),
        ]

    def look_at(self, adj_close: tf.Tensor) -> tf.Tensor:
        """What the forecast sees of the prices."""
        return adj_close

    def forecast_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers the `serving_default` signature."""
        parsed = tf.io.parse_example(examples, REQUEST_SPEC)
        columns = {name: parsed[name].to_tensor() for name in contract.BAR_COLUMNS}
        return self.forecast(columns | {contract.TICKER: parsed[contract.TICKER]})

    def signatures(self) -> dict[str, Callable[..., Any]]:
        """The functions to save."""
        forecast = tf.function(lambda **bars: self.forecast(bars), autograph=False)
        default = tf.function(
            lambda examples: widen_text(repeat_for_rows(self.forecast_examples(examples))), autograph=False
        )
        return {
            contract.FORECAST_SIGNATURE: forecast.get_concrete_function(**FORECAST_INPUTS),
            contract.DEFAULT_SIGNATURE: default.get_concrete_function(**EXAMPLES_INPUTS),
        }


class UncheckedModule(TinyModule):
    """Answers whatever it is sent."""

    def check(self, bars: Bars) -> list[tf.Operation]:
        return []


class RowlessModule(TinyModule):
    """Answers tf.Examples as it answers arrays: what all rows share stands there once."""

    def signatures(self) -> dict[str, Callable[..., Any]]:
        default = tf.function(lambda examples: self.forecast_examples(examples), autograph=False)
        return super().signatures() | {
            contract.DEFAULT_SIGNATURE: default.get_concrete_function(**EXAMPLES_INPUTS)
        }


class PythonModule(TinyModule):
    """Calls a function of this very process: its graph is of no use anywhere else."""

    def look_at(self, adj_close: tf.Tensor) -> tf.Tensor:
        seen = tf.numpy_function(np.array, [adj_close], tf.float32)
        return tf.ensure_shape(seen, [None, contract.LOOKBACK])


class DeadlyModule(TinyModule):
    """Ends the process that asks it."""

    def check(self, bars: Bars) -> list[tf.Operation]:
        return [tf.raw_ops.Abort(error_msg="asked")]


class ForecastOnlyModule(TinyModule):
    """Lacks `serving_default`."""

    def signatures(self) -> dict[str, Callable[..., Any]]:
        return {contract.FORECAST_SIGNATURE: super().signatures()[contract.FORECAST_SIGNATURE]}


class LookaroundModule(TinyModule):
    """Lets the other rows of a batch into a forecast."""

    def look_at(self, adj_close: tf.Tensor) -> tf.Tensor:
        return adj_close + 0.01 * tf.reduce_mean(adj_close - adj_close[:1], axis=0)


def draw_requests(seed: int = 0) -> list[dict[str, Any]]:
    """Requests of one ticker each: random walks, float32 as Python floats."""
    generator = np.random.default_rng(seed)
    requests = []
    for index in range(NUM_REQUESTS):
        walk = 50.0 * np.exp(np.cumsum(generator.normal(0.0, 0.02, contract.LOOKBACK)))
        bars = {name: [np.float32(walk).tolist()] for name in contract.PRICE_COLUMNS}
        volume = np.float32(generator.uniform(1e6, 2e6, contract.LOOKBACK)).tolist()
        requests.append({contract.TICKER: [f"T{index}"], **bars, contract.VOLUME: [volume]})
    return requests


def save(module: TinyModule, folder: pathlib.Path, golden_of: TinyModule | None = None) -> pathlib.Path:
    """Saves a module as the Trainer does, with a record and golden forecasts.

    Args:
      module: what to save.
      folder: where to; made.
      golden_of: the module that answers the golden requests; `module` itself if left out.
    Returns:
      `folder`.
    """
    tf.saved_model.save(module, str(folder), signatures=module.signatures())
    extra = folder / contract.ASSETS_EXTRA
    extra.mkdir()
    (extra / contract.RECORD_FILE).write_text(json.dumps({"model": "tiny", "commit": "none"}) + "\n")
    signature = (golden_of or module).signatures()[contract.FORECAST_SIGNATURE]
    requests = draw_requests()
    golden.write_golden(extra, requests, [golden.ask(signature, request) for request in requests])
    return folder
