"""Asks the served model for the forecasts of past days, with the bars of those days and no later ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from components import contract
from components.errors import InputError
from components.evaluate import baselines
from serving.bars import Columns
from serving.drift.figures import PastForecasts
from serving.forecast import Forecast

FIRST = contract.HORIZONS.index(1)


class Client(Protocol):
    """What is asked; serving.client and serving.rest_client have it."""

    def forecast(self, bars: Mapping[str, Columns], /) -> Forecast:
        """Forecasts of each ticker."""


def replay(client: Client, bars: Mapping[str, Columns], days: int) -> tuple[PastForecasts, str]:
    """Forecasts as of each of the last `days` days that have a day after them.

    Args:
      client: of the server.
      bars: ticker -> columns, oldest first, with up to LOOKBACK + days bars; a ticker takes part in the days
        that end LOOKBACK bars.
      days: how many.
    Returns:
      The forecasts with what came, and the version of the model that answered last.
    Raises:
      InputError: no ticker has LOOKBACK bars and one more.
      ServingError: the server cannot be reached, or refuses.
    """
    rows: list[PastForecasts] = []
    version = ""
    for back in range(days, 0, -1):
        known = {
            ticker: {name: column[:-back] for name, column in columns.items()}
            for ticker, columns in bars.items()
            if len(columns[contract.ADJ_CLOSE]) - back >= contract.LOOKBACK
        }
        if known:
            answer = client.forecast(known)
            version = answer.model_version
            rows.append(_compare(answer, bars, known, back))
    if not rows:
        raise InputError(
            f"a ticker must have at least {contract.LOOKBACK + 1} bars, got none; give longer histories"
        )
    joined = (np.concatenate([getattr(row, name) for row in rows]) for name in _COLUMNS)
    return PastForecasts(*joined), version


_COLUMNS = ("dates", "quantiles", "baseline", "actual")


def _compare(
    answer: Forecast, bars: Mapping[str, Columns], known: Mapping[str, Columns], back: int
) -> PastForecasts:
    """One day's forecasts with the next day's returns."""
    prices = [np.asarray(bars[ticker][contract.ADJ_CLOSE], float) for ticker in answer.tickers]
    actual = np.array([np.log(price[-back] / price[-back - 1]) for price in prices])
    past = [np.asarray(known[ticker][contract.ADJ_CLOSE], float) for ticker in answer.tickers]
    volatility = [baselines.ewma_volatility(price)[-1] for price in past]
    return PastForecasts(
        answer.as_of,
        answer.return_quantiles[:, FIRST].astype(float),
        baselines.ewma_normal(np.array(volatility))[:, FIRST],
        actual,
    )
