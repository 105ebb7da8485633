"""What a choice of parameters is worth: the mean pinball loss on rolling folds before the test days."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

import numpy as np

from components import contract
from components.backtest.folds import Fold, FoldConfig, make_folds, take_forecast, take_train
from components.backtest.forecaster import meet_universe
from components.backtest.network import Network
from components.evaluate import baselines
from components.evaluate.metrics import Floats, pinball
from components.ingest.bars import TickerBars, day_number, iso_date
from components.tune.config import TuneSettings, apply_values


@dataclasses.dataclass(frozen=True)
class Objective:
    """Scores choices.

    Attributes:
      bars: by ticker, none of them a test day.
      folds: a year each, the last one ends where the test days begin.
      settings: everything that is not chosen.
    """

    bars: Mapping[str, TickerBars]
    folds: tuple[Fold, ...]
    settings: TuneSettings

    def score(self, values: Mapping[str, float]) -> float:
        """Mean pinball loss, of log returns, over the forecasts whose day is in the same fold.

        Args:
          values: key of tune.space -> what is chosen; what is left out stays as configured.
        """
        model, train = apply_values(self.settings.model, self.settings.train, values)
        losses = []
        for fold in self.folds:
            eval_start = iso_date(fold.eval_start)
            network = Network(model, train, self.settings.chunks.chunk_days, eval_start, self.settings.market)
            known = {ticker: take_forecast(own, fold) for ticker, own in self.bars.items()}
            fitted = network.fit(take_train(self.bars, fold))
            informed = meet_universe(fitted, {ticker: own for ticker, (own, _) in known.items() if len(own)})
            for own, first in known.values():
                if first < len(own):
                    losses.append(_lose(own, first, informed.forecast(own, first)))
        return float(np.concatenate(losses).mean())


def make_objective(bars: Mapping[str, TickerBars], settings: TuneSettings) -> Objective:
    """Leaves out the test days, so that no choice has seen what the gate judges by.

    Raises:
      InputError: there are too few days before them.
    """
    test_start = day_number(settings.chunks.test_start)
    early = {
        ticker: own.slice(0, int(np.searchsorted(own.dates, test_start))) for ticker, own in bars.items()
    }
    early = {ticker: own for ticker, own in early.items() if len(own)}
    first = datetime.date.fromisoformat(settings.chunks.test_start)
    origin = iso_date(day_number(f"{first.year - settings.tune.folds}-{first:%m-%d}"))
    rolling = make_folds(early, FoldConfig(origin, fold_years=1, eval_years=settings.tune.eval_years))
    return Objective(early, tuple(rolling), settings)


def _lose(bars: TickerBars, first: int, quantiles: Floats) -> Floats:
    """Losses [forecasts] of the forecasts [days, horizons, levels] from `first` on whose day has come."""
    origins = first + np.arange(len(quantiles))
    ends = origins[:, np.newaxis] + np.asarray(contract.HORIZONS)
    day, horizon = np.nonzero(ends < len(bars))
    log_price = np.log(bars.adj_close)
    actual = log_price[ends[day, horizon]] - log_price[origins[day]]
    return pinball(actual, quantiles[day, horizon], baselines.LEVELS)
