"""Forecasters that need no library: random walks, historical quantiles, RiskMetrics. Pure numpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from components import contract
from components.errors import InputError
from components.evaluate import baselines
from components.evaluate.metrics import Floats
from components.ingest.bars import TickerBars

RANDOM_WALK = "random_walk"
RANDOM_WALK_WITH_DRIFT = "random_walk_drift"
HISTORICAL = "historical"
EWMA_NORMAL = "ewma_normal"
EWMA_EMPIRICAL = "ewma_empirical"


@dataclasses.dataclass(frozen=True)
class RandomWalk:
    """A Gaussian random walk of the log price whose volatility is that of the ticker's whole past.

    Attributes:
      has_drift: its drift is the mean return of that past, else none.
    """

    has_drift: bool = False

    @property
    def name(self) -> str:
        """See Forecaster."""
        return RANDOM_WALK_WITH_DRIFT if self.has_drift else RANDOM_WALK

    def fit(self, train: Mapping[str, TickerBars]) -> RandomWalk:
        """Learns nothing: the ticker's own past says it all."""
        return self

    def forecast(self, bars: TickerBars, first: int) -> Floats:
        """See FittedForecaster."""
        returns = np.diff(np.log(bars.adj_close))
        counts = np.arange(1, len(returns) + 1)
        mean = np.cumsum(returns) / counts if self.has_drift else np.zeros(len(returns))
        variance = np.maximum(np.cumsum(returns**2) / counts - mean**2, 0.0)
        volatility = np.maximum(np.sqrt(variance), baselines.VOLATILITY_FLOOR)[first - 1 :]
        drift = mean[first - 1 :, np.newaxis] * baselines.HORIZONS
        quantiles: Floats = drift[:, :, np.newaxis] + baselines.ewma_normal(volatility)
        return quantiles


class Historical:
    """Quantiles of the ticker's last 250 returns of each horizon."""

    name = HISTORICAL

    def fit(self, train: Mapping[str, TickerBars]) -> Historical:
        """Learns nothing."""
        return self

    def forecast(self, bars: TickerBars, first: int) -> Floats:
        """See FittedForecaster."""
        return baselines.historical(bars.adj_close, len(bars) - first)


class EwmaNormal:
    """RiskMetrics: exponentially weighted volatility and a normal law."""

    name = EWMA_NORMAL

    def fit(self, train: Mapping[str, TickerBars]) -> EwmaNormal:
        """Learns nothing."""
        return self

    def forecast(self, bars: TickerBars, first: int) -> Floats:
        """See FittedForecaster."""
        return baselines.ewma_normal(baselines.ewma_volatility(bars.adj_close)[first:])


class EwmaEmpirical:
    """The same volatility with the quantiles that standardised returns had in training."""

    name = EWMA_EMPIRICAL

    def fit(self, train: Mapping[str, TickerBars]) -> _FittedEwmaEmpirical:
        """See Forecaster."""
        return _FittedEwmaEmpirical(learn_base_quantiles(train))


@dataclasses.dataclass(frozen=True)
class _FittedEwmaEmpirical:
    """`base_quantiles` are [horizons, levels], in units of volatility * sqrt(horizon)."""

    base_quantiles: Floats

    def forecast(self, bars: TickerBars, first: int) -> Floats:
        """See FittedForecaster."""
        volatility = baselines.ewma_volatility(bars.adj_close)[first:]
        return baselines.ewma_empirical(volatility, self.base_quantiles)


CLASSICAL = (RandomWalk(), RandomWalk(has_drift=True), Historical(), EwmaNormal(), EwmaEmpirical())


def learn_base_quantiles(train: Mapping[str, TickerBars]) -> Floats:
    """Quantiles of each horizon's return over volatility * sqrt(horizon), of all tickers together.

    Args:
      train: bars by ticker; a target day has LOOKBACK bars before it, as everywhere.
    Returns:
      [horizons, levels].
    Raises:
      InputError: no ticker has a target day whose label is known at every horizon.
    """
    standardised: list[list[Floats]] = [[] for _ in contract.HORIZONS]
    for bars in train.values():
        if len(bars) <= contract.LOOKBACK + max(contract.HORIZONS):
            continue
        log_price, volatility = np.log(bars.adj_close), baselines.ewma_volatility(bars.adj_close)
        for values, horizon in zip(standardised, contract.HORIZONS, strict=True):
            returns = log_price[horizon:] - log_price[:-horizon]
            values.append((returns / (volatility[:-horizon] * horizon**0.5))[contract.LOOKBACK :])
    if not standardised[0]:
        raise InputError(
            f"a ticker must have more than {contract.LOOKBACK + max(contract.HORIZONS)} bars to learn from, "
            f"got none among {len(train)}; start the forecasts later or give longer histories"
        )
    return np.stack([np.quantile(np.concatenate(values), baselines.LEVELS) for values in standardised])
