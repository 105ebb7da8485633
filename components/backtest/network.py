"""marketcast's network as a forecaster of the backtest: the Trainer's code, fitted anew in each fold."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components import contract
from components.backtest.classical import learn_base_quantiles
from components.backtest.memory_chunks import MemoryChunks, compute_inputs
from components.evaluate.metrics import Floats
from components.ingest.bars import TickerBars, day_number, iso_date
from components.ingest.chunks import ChunkConfig
from components.ingest.market import find_market
from components.ingest.market_table import MarketTable
from components.train import model, training
from components.train.config import ModelConfig, TrainConfig
from components.train.dataset import count_features, make_training_batches, make_validation_batches
from components.train.quantiles import forecast_days
from components.transform.market_config import ALONE, MarketConfig


@dataclasses.dataclass(frozen=True)
class Network:
    """The network of one fold.

    Attributes:
      model: its shape.
      train: how it is fitted; `train.seed` tells it from others.
      chunk_days: most target days of a chunk.
      eval_start: YYYY-MM-DD; the best step is chosen by the days from here to the end of the bars it learns
        from, the weights and the base quantiles come from those before.
      market: whether it sees the market of the day among the tickers.
      name: see Forecaster.
    """

    model: ModelConfig
    train: TrainConfig
    chunk_days: int
    eval_start: str
    market: MarketConfig = ALONE
    name: str = contract.MODEL_NAME

    def fit(self, train: Mapping[str, TickerBars]) -> FittedNetwork:
        """See Forecaster."""
        newest = max(int(bars.dates[-1]) for bars in train.values())
        chunks = ChunkConfig(self.chunk_days, self.eval_start, iso_date(newest + 1))
        first_eval = day_number(self.eval_start)
        early = {
            ticker: bars.slice(0, int(np.searchsorted(bars.dates, first_eval)))
            for ticker, bars in train.items()
        }
        base_quantiles = learn_base_quantiles(early).astype(np.float32)
        market = find_market(train.values(), self.market)
        fitting, choosing = (
            MemoryChunks(train.values(), chunks, split, market)
            for split in (contract.TRAIN_SPLIT, contract.EVAL_SPLIT)
        )
        keras.utils.set_random_seed(self.train.seed)
        network = model.build_network(self.model, count_features(self.market.enabled))
        training.fit_network(
            network,
            base_quantiles,
            make_training_batches(fitting, self.train),
            make_validation_batches(choosing, self.train),
            self.train,
        )
        return FittedNetwork(network, base_quantiles, self.market, market)


@dataclasses.dataclass(frozen=True)
class FittedNetwork:
    """A network with its weights.

    Attributes:
      network: of model.build_network.
      base_quantiles: [horizons, levels], which it corrects.
      config: whether it sees the market.
      market: of each day; None where it does not see it.
    """

    network: keras.Model
    base_quantiles: npt.NDArray[np.float32]
    config: MarketConfig = ALONE
    market: MarketTable | None = None

    def meet(self, bars: Mapping[str, TickerBars]) -> FittedNetwork:
        """See UniverseForecaster."""
        return dataclasses.replace(self, market=find_market(bars.values(), self.config))

    def forecast(self, bars: TickerBars, first: int) -> Floats:
        """See FittedForecaster."""
        features, volatility = compute_inputs(bars.slice(first - contract.LOOKBACK, len(bars)), self.market)
        returns = self._forecast_days(
            *(tf.constant(values[np.newaxis]) for values in (features, volatility, self.base_quantiles))
        )
        quantiles: Floats = returns.numpy()[0].astype(np.float64)
        return quantiles

    @functools.cached_property
    def _forecast_days(self) -> Callable[..., tf.Tensor]:
        """One graph for histories of any length: step by step in Python takes many times as long."""
        return tf.function(functools.partial(forecast_days, self.network), reduce_retracing=True)
