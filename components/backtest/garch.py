"""GARCH(1,1) and GJR-GARCH(1,1) with Student's t: what banks fit to daily returns. By the package arch."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping

import arch
import numpy as np
import scipy.signal
import scipy.stats

from components import contract, progress
from components.backtest.config import GARCH, GJR_GARCH
from components.errors import InputError
from components.evaluate import baselines
from components.evaluate.metrics import Floats
from components.ingest.bars import TickerBars

LEAST_RETURNS = 500
"""Two years: with fewer the likelihood of five parameters is flat, and others' medians serve better."""
PERCENT = 100.0
"""The package's optimiser wants returns of about 1 in size."""
LARGEST_PERSISTENCE = 0.9999
"""At 1 there is no unconditional variance to start from."""


@dataclasses.dataclass(frozen=True)
class GarchParameters:
    """s2[t + 1] = omega + (alpha + gamma [e[t] < 0]) e[t]**2 + beta s2[t], e = r - mean; returns in percent.

    Attributes:
      freedom: degrees of freedom of the t law, above 2; its quantiles are scaled to variance 1.
    """

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    freedom: float

    @property
    def persistence(self) -> float:
        """Share of a variance's distance from the unconditional one that is left a day later."""
        return min(self.alpha + self.gamma / 2.0 + self.beta, LARGEST_PERSISTENCE)

    @property
    def unconditional_variance(self) -> float:
        """Where the variance goes back to, percent**2."""
        return self.omega / (1.0 - self.persistence)


@dataclasses.dataclass(frozen=True)
class Garch:
    """Parameters by maximum likelihood for each ticker.

    Attributes:
      is_asymmetric: losses raise the variance more than gains (Glosten, Jagannathan and Runkle).
    Source: Bollerslev (1987), Rev. of Economics and Statistics 69(3); Glosten, Jagannathan and Runkle
      (1993), J. of Finance 48(5).
    """

    is_asymmetric: bool = False

    @property
    def name(self) -> str:
        """See Forecaster."""
        return GJR_GARCH if self.is_asymmetric else GARCH

    def fit(self, train: Mapping[str, TickerBars]) -> FittedGarch:
        """See Forecaster.

        Raises:
          InputError: no ticker has LEAST_RETURNS returns.
        """
        fitted: dict[str, GarchParameters] = {}
        for number, (ticker, bars) in enumerate(train.items(), 1):
            if len(bars) > LEAST_RETURNS and (found := self._fit_ticker(bars)):
                fitted[ticker] = found
            progress.report("tickers fitted", number, len(train))
        if not fitted:
            raise InputError(
                f"{self.name} needs a ticker with at least {LEAST_RETURNS} returns before the fold to learn "
                f"from, got none among {len(train)}; set backtest.first_origin later"
            )
        names = [field.name for field in dataclasses.fields(GarchParameters)]
        medians = {name: float(np.median([getattr(own, name) for own in fitted.values()])) for name in names}
        return FittedGarch(fitted, GarchParameters(**medians))

    def _fit_ticker(self, bars: TickerBars) -> GarchParameters | None:
        """None where the optimiser finds no optimum."""
        returns = PERCENT * np.diff(np.log(bars.adj_close))
        if not returns.any():
            return None
        model = arch.arch_model(
            returns,
            mean="Constant",
            vol="GARCH",
            p=1,
            o=int(self.is_asymmetric),
            q=1,
            dist="t",
            rescale=False,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = model.fit(disp="off", show_warning=False)
        values = result.params
        if result.convergence_flag != 0 or not np.isfinite(values.to_numpy()).all():
            return None
        return GarchParameters(
            values["mu"],
            values["omega"],
            values["alpha[1]"],
            values.get("gamma[1]", 0.0),
            values["beta[1]"],
            values["nu"],
        )


@dataclasses.dataclass(frozen=True)
class FittedGarch:
    """Parameters by ticker; a ticker without takes `medians`, each parameter's median over the others."""

    parameters: Mapping[str, GarchParameters]
    medians: GarchParameters

    def forecast(self, bars: TickerBars, first: int) -> Floats:
        """See FittedForecaster; h days have the t law of one day and their summed variance."""
        own = self.parameters.get(bars.ticker, self.medians)
        returns = PERCENT * np.diff(np.log(bars.adj_close))
        variance = filter_variance(returns, own)[first:]
        scale = np.sqrt(sum_variances(variance, own))[:, :, np.newaxis]
        law = scipy.stats.t.ppf(baselines.LEVELS, own.freedom) * math.sqrt((own.freedom - 2.0) / own.freedom)
        mean = own.mean * baselines.HORIZONS[:, np.newaxis]
        quantiles: Floats = (mean + scale * law) / PERCENT
        return quantiles


def filter_variance(returns: Floats, parameters: GarchParameters) -> Floats:
    """Variance of the next return, as known after each one.

    Args:
      returns: [n], percent, oldest first.
    Returns:
      [n + 1], percent**2: position t is that of returns[t], known before it; the first is the unconditional.
    """
    errors = returns - parameters.mean
    shocks = (parameters.alpha + parameters.gamma * (errors < 0.0)) * errors**2 + parameters.omega
    start = parameters.unconditional_variance
    later, _ = scipy.signal.lfilter([1.0], [1.0, -parameters.beta], shocks, zi=[parameters.beta * start])
    variance: Floats = np.concatenate([[start], later])
    return variance


def sum_variances(variance: Floats, parameters: GarchParameters) -> Floats:
    """Variance of the sum of the next h returns, for h of contract.HORIZONS: [days] -> [days, horizons]."""
    level = parameters.unconditional_variance
    steps = np.arange(max(contract.HORIZONS))
    daily = level + np.outer(variance - level, parameters.persistence**steps)
    summed: Floats = np.cumsum(daily, axis=1)[:, baselines.HORIZONS - 1]
    return summed
