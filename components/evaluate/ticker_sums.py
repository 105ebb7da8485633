"""All figures of one ticker out of a few numbers, however many days it has. Pure numpy."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Sequence

import numpy as np

from components.evaluate.metrics import NEWEY_WEST_LAGS as LAGS
from components.evaluate.metrics import Floats


@dataclasses.dataclass(frozen=True)
class TickerSums:
    """One ticker's scores over a run of days, of which `gains` says enough for the Diebold-Mariano test.

    Attributes:
      first_day: of the run, days since 1970-01-01.
      sums: [horizons, columns], see scoreboard.COLUMNS.
      gains: by horizon; the baseline's loss less the model's, on each day that was scored.
    """

    first_day: int
    sums: Floats
    gains: tuple[Gains, ...]

    def __add__(self, later: TickerSums) -> TickerSums:
        """The sums of this run of days and a later one together."""
        gains = tuple(own + other for own, other in zip(self.gains, later.gains, strict=True))
        return TickerSums(self.first_day, self.sums + later.sums, gains)


def join_runs(runs: Sequence[TickerSums]) -> TickerSums:
    """The sums of all of a ticker's runs of days, which come in any order and share no day."""
    return functools.reduce(operator.add, sorted(runs, key=lambda run: run.first_day))


@dataclasses.dataclass(frozen=True)
class Gains:
    """A series of gains: enough for metrics.diebold_mariano without the series.

    Attributes:
      count: length n of the series.
      parts: [3 * LAGS + 2], one array because there is one for each ticker and horizon: their sum, the sums
        of products x[t] x[t - lag] for lag 0..LAGS, the first LAGS gains with zeros behind them if there
        are fewer, the last LAGS with zeros before them.
    """

    count: int
    parts: Floats

    @classmethod
    def of(cls, series: Floats) -> Gains:
        """What is kept of a series [n], oldest first."""
        count = len(series)
        products = [float(series[lag:] @ series[: max(count - lag, 0)]) for lag in range(LAGS + 1)]
        first, last = series[:LAGS], series[-LAGS:]
        padding = np.zeros(LAGS - len(first))
        return cls(count, np.concatenate([[series.sum()], products, first, padding, padding, last]))

    def __add__(self, later: Gains) -> Gains:
        """Those of both series, of which the other is the later one."""
        total, products, first, last = self._take_apart()
        later_total, later_products, later_first, later_last = later._take_apart()
        across = [float(last[LAGS - lag :] @ later_first[:lag]) for lag in range(LAGS + 1)]
        if self.count < LAGS:
            first = np.concatenate([first[: self.count], later_first])[:LAGS]
        if later.count < LAGS:
            later_last = np.concatenate([last, later_last[LAGS - later.count :]])[-LAGS:]
        parts = [np.array([total + later_total]), products + later_products + across, first, later_last]
        return Gains(self.count + later.count, np.concatenate(parts))

    def diebold_mariano(self) -> float:
        """As metrics.diebold_mariano of the series with LAGS lags, but for rounding."""
        if self.count < 2:
            return float("nan")
        total, products, first, last = self._take_apart()
        mean = total / self.count
        variance = (products[0] - self.count * mean**2) / self.count
        for lag in range(1, min(LAGS, self.count - 1) + 1):
            ends = 2.0 * total - first[:lag].sum() - last[LAGS - lag :].sum()
            covariance = products[lag] - mean * ends + (self.count - lag) * mean**2
            variance += 2.0 * (1.0 - lag / (LAGS + 1.0)) * covariance / self.count
        if variance <= 0.0:
            return 0.0 if mean == 0.0 else float("nan")
        return float(mean / np.sqrt(variance / self.count))

    def _take_apart(self) -> tuple[float, Floats, Floats, Floats]:
        total, products, first, last = np.split(self.parts, [1, LAGS + 2, 2 * LAGS + 2])
        return float(total[0]), products, first, last
