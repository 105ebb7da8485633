"""The SavedModel: raw bars in, quantiles out, with the Transform graph and the network inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf
import tensorflow_transform as tft

from components import contract
from components.train.quantiles import forecast_days, last_corrections, to_returns
from components.train.request_checks import check_bars, check_lengths, check_market, check_universe
from components.transform import features as causal
from components.transform import market
from components.transform.market_config import ALONE, MarketConfig

NUM_HORIZONS = len(contract.HORIZONS)

FORECAST_INPUTS = {
    contract.TICKER: tf.TensorSpec([None], tf.string, contract.TICKER),
    **{name: tf.TensorSpec([None, None], tf.float32, name) for name in contract.BAR_COLUMNS},
}
UNIVERSE_INPUTS = {**FORECAST_INPUTS, contract.DATE: tf.TensorSpec([None, None], tf.int64, contract.DATE)}
REQUEST_SPEC = {name: tf.io.RaggedFeature(tf.float32) for name in contract.BAR_COLUMNS} | {
    contract.TICKER: tf.io.FixedLenFeature([], tf.string)
}


class _Derived(NamedTuple):
    """The network's inputs but for the market, volatility, and base quantiles [batch, horizons, levels]."""

    features: tf.Tensor
    volatility: tf.Tensor
    base: tf.Tensor


class Forecaster:
    """One graph from raw bars to price quantiles, saved with four signatures, or five if it sees the market.

    Where a network that sees the market is asked without one, it gets zeros, as on a day without a market.
    """

    def __init__(
        self,
        network: keras.Model,
        transform: tft.TFTransformOutput,
        version: str,
        market_config: MarketConfig = ALONE,
    ) -> None:
        """Joins the parts.

        Args:
          network: a trained network of model.build_network.
          transform: output of the Transform component.
          version: what `model_version` answers.
          market_config: whether the network sees the market.
        """
        self._network = network
        self._transform = transform.transform_features_layer()
        self._version = version
        self._market = market_config
        raw_spec = transform.raw_feature_spec()
        self._chunk_spec = {name: raw_spec[name] for name in contract.BAR_COLUMNS}

    def signatures(self) -> dict[str, Callable]:
        """The concrete functions to save, by signature name."""
        examples = tf.TensorSpec([None], tf.string, contract.EXAMPLES_INPUT)
        universe = {}
        if self._market.enabled:
            universe[contract.UNIVERSE_SIGNATURE] = tf.function(
                lambda **bars: self.forecast_universe(bars), autograph=False
            ).get_concrete_function(**UNIVERSE_INPUTS)
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
            **universe,
        }

    def forecast(self, bars: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Forecasts from the latest bars of each ticker by itself: the public `forecast` signature.

        Args:
          bars: ticker string [batch] and BAR_COLUMNS float32 [batch, time], oldest first.
        Returns:
          return_quantiles and price_quantiles [batch, horizons, levels], last_close [batch],
          quantile_levels [levels], horizons [horizons], model_version []; of a network that sees the market
          has_market [batch] too, zeros here.
        Raises:
          tf.errors.InvalidArgumentError: too few bars, or a bar that is no bar.
        """
        latest = _take_latest(bars)
        return self._answer(latest, self._derive_latest(latest), None)

    def forecast_universe(self, bars: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Forecasts all tickers of a universe, each seeing the market that they make: `forecast_universe`.

        Args:
          bars: as for `forecast`, each ticker once, and DATE int64 [batch, time], days since 1970-01-01.
        Returns:
          As `forecast`.
        Raises:
          tf.errors.InvalidArgumentError: as `forecast`, or days that repeat or run backwards.
        """
        latest = _take_latest(bars)
        checks = check_universe(bars[contract.TICKER], bars[contract.DATE], bars[contract.CLOSE])
        with tf.control_dependencies(checks):
            dates = bars[contract.DATE][:, -contract.LOOKBACK :]
        derived = self._derive_latest(latest)
        own = causal.CausalFeatures(derived.features, derived.volatility)
        seen = market.compute_market(own, dates, self._market.min_tickers)
        return self._answer(latest, derived, seen)

    def forecast_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Forecasts from serialized tf.Examples, string [batch]; see `forecast`.

        Each example holds a ticker and its latest bars; their number may differ between rows. It may hold
        the market of each bar's day too, for a network that sees it.
        """
        parsed = tf.io.parse_example(examples, REQUEST_SPEC | self._market_spec)
        columns = {name: parsed[name] for name in contract.BAR_COLUMNS}
        ticker = parsed[contract.TICKER]
        checks = check_lengths(ticker, columns)
        if self._market.enabled:
            checks.append(check_market(ticker, parsed[contract.MARKET], columns[contract.CLOSE]))
        with tf.control_dependencies(checks):
            latest = {name: column[:, -contract.LOOKBACK :].to_tensor() for name, column in columns.items()}
        latest = _take_latest(latest | {contract.TICKER: ticker})
        seen = None
        if self._market.enabled:
            values = parsed[contract.MARKET][:, -contract.LOOKBACK * market.NUM_MARKET_FEATURES :]
            seen = market.fill_market(values, contract.LOOKBACK)
        return self._answer(latest, self._derive_latest(latest), seen)

    def _derive_latest(self, latest: dict[str, tf.Tensor]) -> _Derived:
        """What the Transform graph makes of bars [batch, LOOKBACK]."""
        ragged = {name: tf.RaggedTensor.from_tensor(column) for name, column in latest.items()}
        return _Derived(*self._derive(ragged))

    def _answer(
        self, latest: dict[str, tf.Tensor], derived: _Derived, seen: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        """The outputs of `forecast`.

        Args:
          latest: bar columns [batch, LOOKBACK].
          derived: of the same.
          seen: the market of each bar, [batch, LOOKBACK, NUM_MARKET_FEATURES]; None for none.
        """
        inputs = self._join_market(derived.features, seen)
        corrections = last_corrections(self._network, inputs[:, -causal.NETWORK_STEPS :])
        returns = to_returns(corrections, derived.volatility[:, -1], derived.base)
        last_close = latest[contract.CLOSE][:, -1]
        return {
            contract.RETURN_QUANTILES: returns,
            contract.PRICE_QUANTILES: last_close[:, tf.newaxis, tf.newaxis] * tf.exp(returns),
            contract.LAST_CLOSE: last_close,
            contract.QUANTILE_LEVELS_OUTPUT: tf.constant(contract.QUANTILE_LEVELS, tf.float32),
            contract.HORIZONS_OUTPUT: tf.constant(contract.HORIZONS, tf.int32),
            contract.MODEL_VERSION: tf.constant(self._version),
            **({contract.HAS_MARKET: inputs[:, -1, -1]} if self._market.enabled else {}),
        }

    def _join_market(self, features: tf.Tensor, seen: tf.Tensor | None) -> tf.Tensor:
        """The network's inputs [batch, time, n]; of a network that sees the market the last is HAS_MARKET."""
        if not self._market.enabled:
            return features
        if seen is None:
            seen = tf.zeros(tf.concat([tf.shape(features)[:2], [market.NUM_MARKET_FEATURES]], axis=0))
        return tf.concat([features, seen], axis=-1)

    @property
    def _market_spec(self) -> dict:
        return market.MARKET_SPEC if self._market.enabled else {}

    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Forecasts at each target day of chunk examples: what the Evaluator scores.

        Args:
          examples: serialized chunk examples, string [batch].
        Returns:
          return_quantiles [batch, days, horizons, levels], volatility [batch, days] and
          base_quantiles [batch, horizons, levels]; rows of shorter chunks end in padding.
        """
        parsed = tf.io.parse_example(examples, self._chunk_spec | self._market_spec)
        features, volatility, base = self._derive({name: parsed[name] for name in self._chunk_spec})
        seen = None
        if self._market.enabled:
            seen = market.fill_market(parsed[contract.MARKET], tf.shape(features)[1])
        inputs = self._join_market(features, seen)
        return {
            contract.RETURN_QUANTILES: forecast_days(self._network, inputs, volatility, base),
            contract.VOLATILITY: volatility[:, contract.LOOKBACK :],
            contract.BASE_QUANTILES: base,
        }

    def _derive(self, bars: dict[str, tf.RaggedTensor]) -> _Derived:
        """Runs the Transform graph."""
        transformed = self._transform(bars)
        base = tf.reshape(
            transformed[contract.BASE_QUANTILES], [-1, NUM_HORIZONS, len(contract.QUANTILE_LEVELS)]
        )
        return _Derived(
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


def _take_latest(bars: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Checks the bars of a request and takes the latest LOOKBACK of each ticker."""
    columns = {name: bars[name] for name in contract.BAR_COLUMNS}
    with tf.control_dependencies(check_bars(bars[contract.TICKER], columns)):
        latest = {name: column[:, -contract.LOOKBACK :] for name, column in columns.items()}
        return {name: tf.ensure_shape(column, [None, contract.LOOKBACK]) for name, column in latest.items()}


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
