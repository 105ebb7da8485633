"""Gradient-boosted quantiles on the network's features: what a good tabular model makes of the same day."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from components import contract, progress
from components.backtest.classical import learn_base_quantiles
from components.backtest.config import LIGHTGBM
from components.backtest.memory_chunks import compute_inputs
from components.evaluate import baselines
from components.evaluate.metrics import Floats
from components.ingest.bars import TickerBars
from components.ingest.market import find_market
from components.ingest.market_table import MarketTable
from components.transform.market_config import ALONE, MarketConfig

ROUNDS = 100
PARAMETERS: Mapping[str, Any] = {
    "objective": "quantile",
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.8,
    "seed": 1,
    # Equal bits however many threads there are.
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
"""Small trees, shrunk: daily returns are mostly noise, and the base quantiles hold most of what is known."""
ROOT_HORIZONS = np.sqrt(np.asarray(contract.HORIZONS, np.float64))


@dataclasses.dataclass(frozen=True)
class GradientBoosting:
    """A booster for each horizon and level, by the package LightGBM.

    Each corrects the base quantile of EwmaEmpirical by the features of the forecast's own day, in units of
    volatility * sqrt(horizon).
    Source: Ke et al. (2017), LightGBM, NeurIPS 30.

    Attributes:
      market: whether the features have the market of the day among them, as the network's.
      name: see Forecaster.
    """

    market: MarketConfig = ALONE
    name: str = LIGHTGBM

    def fit(self, train: Mapping[str, TickerBars]) -> FittedGradientBoosting:
        """See Forecaster."""
        base = learn_base_quantiles(train)
        market = find_market(train.values(), self.market)
        examples = [cut_examples(bars, market) for bars in train.values() if len(bars) > _LEAST_BARS]
        features = np.concatenate([own for own, _ in examples])
        labels = np.concatenate([own for _, own in examples])
        # One binning of the features serves all boosters.
        data = lightgbm.Dataset(features, label=labels[:, 0], params=dict(PARAMETERS), free_raw_data=False)
        boosters = []
        for number, (horizon, level) in enumerate(np.ndindex(base.shape), 1):
            data.set_label(labels[:, horizon])
            data.set_init_score(np.full(len(labels), base[horizon, level]))
            parameters = {**PARAMETERS, "alpha": contract.QUANTILE_LEVELS[level]}
            boosters.append(lightgbm.train(parameters, data, ROUNDS))
            progress.report("boosters fitted", number, base.size)
        return FittedGradientBoosting(base, tuple(boosters), self.market, market)


@dataclasses.dataclass(frozen=True)
class FittedGradientBoosting:
    """Base quantiles [horizons, levels] and a booster that corrects each, in the same order.

    `config` says whether they see the market, `market` is that of each day, None where they do not.
    """

    base_quantiles: Floats
    boosters: tuple[lightgbm.Booster, ...]
    config: MarketConfig = ALONE
    market: MarketTable | None = None

    def meet(self, bars: Mapping[str, TickerBars]) -> FittedGradientBoosting:
        """See UniverseForecaster."""
        return dataclasses.replace(self, market=find_market(bars.values(), self.config))

    def forecast(self, bars: TickerBars, first: int) -> Floats:
        """See FittedForecaster."""
        features, volatility = compute_inputs(bars.slice(first - contract.LOOKBACK, len(bars)), self.market)
        features = features[contract.LOOKBACK :]
        corrections = np.stack([booster.predict(features) for booster in self.boosters], axis=-1)
        standardised = self.base_quantiles + corrections.reshape(len(features), *self.base_quantiles.shape)
        scale = volatility[contract.LOOKBACK :, np.newaxis].astype(np.float64) * ROOT_HORIZONS
        quantiles: Floats = np.sort(standardised, axis=-1) * scale[..., np.newaxis]
        return quantiles


_LEAST_BARS = contract.LOOKBACK + max(contract.HORIZONS)


def cut_examples(
    bars: TickerBars, market: MarketTable | None = None
) -> tuple[npt.NDArray[np.float32], Floats]:
    """Features [days, features] and labels [days, horizons] of the days whose labels are all known."""
    features, _ = compute_inputs(bars, market)
    log_price, volatility = np.log(bars.adj_close), baselines.ewma_volatility(bars.adj_close)
    days = np.arange(contract.LOOKBACK, len(bars) - max(contract.HORIZONS))
    ends = days[:, np.newaxis] + np.asarray(contract.HORIZONS)
    returns = log_price[ends] - log_price[days][:, np.newaxis]
    return features[days], returns / (volatility[days][:, np.newaxis] * ROOT_HORIZONS)
