"""Rolling origins: which days are forecast by a model that learnt from which earlier ones."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

import numpy as np

from components import contract
from components.errors import InputError
from components.ingest.bars import TickerBars, day_number, is_day, iso_date

CRISES = {
    "dot-com crash": ("2000-03-10", "2002-10-09"),
    "financial crisis": ("2007-10-09", "2009-03-09"),
    "pandemic crash": ("2020-02-19", "2020-04-07"),
}
"""First and last day of spans in which volatility left what the years before had shown."""


@dataclasses.dataclass(frozen=True)
class Fold:
    """Days since 1970-01-01: forecasts are made on `start` .. `stop` - 1, of what was known before `start`.

    Attributes:
      eval_start: the network's own choice of its best step goes by eval_start .. start - 1.
    """

    eval_start: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        """Its first day."""
        return iso_date(self.start)

    @property
    def crises(self) -> list[str]:
        """Names of the CRISES of which it forecasts a day."""
        spans = {name: (day_number(first), day_number(last)) for name, (first, last) in CRISES.items()}
        return [name for name, (first, last) in spans.items() if first < self.stop and self.start <= last]


@dataclasses.dataclass(frozen=True)
class FoldConfig:
    """How the origins roll.

    Attributes:
      first_origin: first day on which a forecast is made, YYYY-MM-DD.
      fold_years: years until all models are fitted anew, at least 1.
      eval_years: years before each fold by which the network's best step is chosen, at least 1.
    """

    first_origin: str = "2006-01-01"
    fold_years: int = 1
    eval_years: int = 2

    def __post_init__(self) -> None:
        if not is_day(self.first_origin):
            raise ValueError(
                f"backtest.first_origin must be a day as 'YYYY-MM-DD', got {self.first_origin!r}; write it so"
            )
        for name in ("fold_years", "eval_years"):
            if getattr(self, name) < 1:
                raise ValueError(f"backtest.{name} must be at least 1, got {getattr(self, name)}; raise it")


def make_folds(bars: Mapping[str, TickerBars], config: FoldConfig) -> list[Fold]:
    """Folds from the first origin to the last bar; the last one may be short.

    Raises:
      InputError: no bar is as late as the first origin, or a fold has nothing to learn from.
    """
    newest = max(int(own.dates[-1]) for own in bars.values())
    folds = []
    start = datetime.date.fromisoformat(config.first_origin)
    while (first := day_number(start.isoformat())) <= newest:
        stop = _add_years(start, config.fold_years)
        eval_start = day_number(_add_years(start, -config.eval_years).isoformat())
        folds.append(Fold(eval_start, first, min(day_number(stop.isoformat()), newest + 1)))
        start = stop
    if not folds:
        raise InputError(
            f"backtest.first_origin must not be after the last bar ({iso_date(newest)}), got "
            f"{config.first_origin}; set it earlier"
        )
    needed = contract.LOOKBACK + max(contract.HORIZONS)
    if not any(np.searchsorted(own.dates, folds[0].eval_start) > needed for own in bars.values()):
        raise InputError(
            f"a ticker must have more than {needed} bars before {iso_date(folds[0].eval_start)}, where the "
            "first fold's eval years begin, got none; set backtest.first_origin later"
        )
    return folds


def take_train(bars: Mapping[str, TickerBars], fold: Fold) -> dict[str, TickerBars]:
    """Bars before the fold: with the later ones go the labels that reach into it, at every horizon."""
    cut = {ticker: own.slice(0, int(np.searchsorted(own.dates, fold.start))) for ticker, own in bars.items()}
    return {ticker: own for ticker, own in cut.items() if len(own)}


def take_forecast(bars: TickerBars, fold: Fold) -> tuple[TickerBars, int]:
    """Bars up to the fold's end, and the first that is forecast on: in the fold, with LOOKBACK behind it."""
    start, stop = (int(position) for position in np.searchsorted(bars.dates, [fold.start, fold.stop]))
    return bars.slice(0, stop), min(max(start, contract.LOOKBACK), stop)


def _add_years(day: datetime.date, years: int) -> datetime.date:
    """The same day of another year; 29 February becomes the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
