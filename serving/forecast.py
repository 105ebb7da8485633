"""What a client gets: price bands, typed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components import contract
from components.errors import ServingError

if TYPE_CHECKING:
    import pandas as pd

    from serving.bar_checks import Days
    from serving.bars import LatestBars

Floats = npt.NDArray[np.floating[Any]]

_SHARED = (contract.QUANTILE_LEVELS_OUTPUT, contract.HORIZONS_OUTPUT, contract.MODEL_VERSION)
_BY_TICKER = ("as_of", "last_close", "return_quantiles", "price_quantiles", "has_market")
"""Attributes whose first axis is that of the tickers."""


@dataclasses.dataclass(frozen=True, eq=False)
class Forecast:
    """Quantiles of each ticker's price and return over the next days.

    Attributes:
      tickers: their names, [tickers].
      as_of: datetime64[D] [tickers], the day on whose close the forecast is made; NaT where unknown.
      last_close: float32 [tickers], in the units of the bars.
      horizons: int32 [horizons], trading days ahead.
      levels: float64 [levels], rising, in (0, 1).
      return_quantiles: float32 [tickers, horizons, levels], log return of the adjusted close.
      price_quantiles: float32 [tickers, horizons, levels], in the units of `last_close`.
      model_version: what the model calls itself.
      served_version: number of the version under the model's base path.
      sees_market: whether the model has market features.
      has_market: bool [tickers], whether the forecast was made with those of its day.
    """

    tickers: tuple[str, ...]
    as_of: Days
    last_close: Floats
    horizons: npt.NDArray[np.int32]
    levels: Floats
    return_quantiles: Floats
    price_quantiles: Floats
    model_version: str
    served_version: int
    sees_market: bool
    has_market: npt.NDArray[np.bool_]

    def to_frame(self) -> pd.DataFrame:
        """The forecast in long format; one row a ticker, horizon and quantile. Needs pandas."""
        from components.infer.forecast_table import ForecastArrays, make_table

        arrays = ForecastArrays(
            self.tickers,
            self.as_of,
            self.horizons,
            self.levels,
            self.price_quantiles,
            self.return_quantiles,
            self.model_version,
        )
        return make_table(arrays)


def read_forecast(outputs: Mapping[str, npt.NDArray[Any]], bars: LatestBars, served_version: int) -> Forecast:
    """Makes a Forecast of what the `forecast` signature answered.

    Args:
      outputs: its output tensors by name.
      bars: what was asked.
      served_version: from the answer.
    Raises:
      ServingError: the answer is not that of a marketcast model.
    """
    horizons = outputs.get(contract.HORIZONS_OUTPUT, np.empty(0))
    levels = outputs.get(contract.QUANTILE_LEVELS_OUTPUT, np.empty(0))
    grid = (len(bars.tickers), horizons.size, levels.size)
    expected: dict[str, tuple[int, ...]] = {
        contract.RETURN_QUANTILES: grid,
        contract.PRICE_QUANTILES: grid,
        contract.LAST_CLOSE: grid[:1],
        contract.HORIZONS_OUTPUT: grid[1:2],
        contract.QUANTILE_LEVELS_OUTPUT: grid[2:],
        contract.MODEL_VERSION: (),
    }
    for name, shape in expected.items():
        if name not in outputs or outputs[name].shape != shape:
            got = list(outputs[name].shape) if name in outputs else ", ".join(outputs) or "no outputs"
            raise ServingError(
                f"the model must answer {name} {list(shape)}, got {got}; serve a model of marketcast"
            )
    return Forecast(
        tickers=bars.tickers,
        as_of=bars.as_of,
        last_close=outputs[contract.LAST_CLOSE],
        horizons=horizons,
        levels=np.round(levels.astype(np.float64), 6),
        return_quantiles=outputs[contract.RETURN_QUANTILES],
        price_quantiles=outputs[contract.PRICE_QUANTILES],
        model_version=outputs[contract.MODEL_VERSION].item().decode(),
        served_version=served_version,
        sees_market=contract.HAS_MARKET in outputs,
        has_market=outputs.get(contract.HAS_MARKET, np.zeros(grid[0])) > 0.0,
    )


def take_shared(outputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The outputs of `forecast` out of those of `forecast_rows`, which repeats what all tickers share."""
    return {
        name: array[0, ...] if name in _SHARED and array.ndim and len(array) else array
        for name, array in outputs.items()
    }


def join_forecasts(parts: Sequence[Forecast]) -> Forecast:
    """Joins the forecasts of several groups of tickers, made by one version, in their order."""
    if len(parts) == 1:
        return parts[0]

    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _BY_TICKER
    }
    tickers = tuple(ticker for part in parts for ticker in part.tickers)
    return dataclasses.replace(parts[0], tickers=tickers, **joined)
