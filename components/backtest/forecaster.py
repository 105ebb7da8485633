"""What every model of the backtest is, from the random walk to the network: one small interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from components.evaluate.metrics import Floats
from components.ingest.bars import TickerBars


class FittedForecaster(Protocol):
    """Forecasts of a model that has learnt what it may."""

    def forecast(self, bars: TickerBars, first: int) -> Floats:
        """Forecasts on the close of each bar from `first` on; that of a bar reads it and earlier ones only.

        Args:
          bars: one ticker's n bars, oldest first.
          first: at least contract.LOOKBACK, less than n.
        Returns:
          Log-return quantiles [n - first, horizons, levels], rising along the last axis.
        """


@runtime_checkable
class UniverseForecaster(FittedForecaster, Protocol):
    """One whose forecast of a ticker also reads the other tickers' bars of the same and earlier days."""

    def meet(self, bars: Mapping[str, TickerBars]) -> FittedForecaster:
        """The same model among these bars.

        Args:
          bars: by ticker, none of them behind the fold.
        """


def meet_universe(fitted: FittedForecaster, bars: Mapping[str, TickerBars]) -> FittedForecaster:
    """A fitted model that knows the bars of all tickers, if it is one that reads them."""
    return fitted.meet(bars) if isinstance(fitted, UniverseForecaster) else fitted


class Forecaster(Protocol):
    """A model before it has seen a bar."""

    @property
    def name(self) -> str:
        """As results and reports call it."""

    def fit(self, train: Mapping[str, TickerBars]) -> FittedForecaster:
        """Learns from bars that end before the first forecast; a label beyond their end is not known.

        Args:
          train: bars by ticker; a ticker that is forecast need not be among them.
        Raises:
          InputError: there is too little to learn from.
        """
