"""A forecast for the eye and for other programs."""

from __future__ import annotations

from typing import Any, TextIO

import numpy as np
import rich.box
import rich.console
import rich.table

from components import contract
from serving.forecast import Forecast

PLAIN_WIDTH = 100
"""Columns where there is no terminal to ask."""
MEDIAN = 0.5


def print_forecast(forecast: Forecast, stream: TextIO) -> None:
    """Prints a table of price quantiles for each ticker."""
    console = rich.console.Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    for index in range(len(forecast.tickers)):
        console.print(_make_table(forecast, index))
        console.print()
    console.print(f"model {forecast.model_version}, served as version {forecast.served_version}")


def _make_table(forecast: Forecast, index: int) -> rich.table.Table:
    """One ticker's table: a row a horizon, a column a level."""
    table = rich.table.Table(
        title=f"{forecast.tickers[index]}  as of {forecast.as_of[index]}, "
        f"last close {forecast.last_close[index]:,.2f}",
        title_justify="left",
        title_style="bold",
        box=rich.box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("day", justify="right")
    for level in forecast.levels:
        table.add_column("median" if level == MEDIAN else f"{level:.0%}", justify="right")
    table.add_column("median return", justify="right")
    medians = _median_returns(forecast, index)
    for row, horizon in enumerate(forecast.horizons):
        prices = [f"{price:,.2f}" for price in forecast.price_quantiles[index, row]]
        table.add_row(f"+{horizon}", *prices, f"{medians[row]:+.2%}")
    return table


def describe_forecast(forecast: Forecast) -> dict[str, Any]:
    """A forecast as JSON types.

    Returns:
      {"model_version", "served_version", "forecasts": [{"ticker", "as_of", "last_close", "horizons":
      [{"horizon", "median_return", "prices": {level: price}, "returns": {level: log return}}]}]}.
    """
    return {
        contract.MODEL_VERSION: forecast.model_version,
        "served_version": forecast.served_version,
        "forecasts": [_describe_ticker(forecast, index) for index in range(len(forecast.tickers))],
    }


def print_file(forecast: Forecast, path: str, stream: TextIO) -> None:
    """Prints what went into a file of forecasts."""
    told = describe_file(forecast, path)
    days = " to ".join(dict.fromkeys((told["first_as_of"], told["last_as_of"])))
    stream.write(
        f"{path}: {told['rows']:,} rows, {told['tickers']:,} tickers as of {days}; "
        f"model {forecast.model_version}, served as version {forecast.served_version}\n"
    )


def describe_market(forecast: Forecast) -> str:
    """One line on the tickers that were forecast with market features."""
    used = int(forecast.has_market.sum())
    how = f"used for {used:,} of {len(forecast.tickers):,} tickers" if used else "not used"
    return f"market features: {how}"


def describe_file(forecast: Forecast, path: str) -> dict[str, Any]:
    """What went into a file of forecasts, as JSON types.

    Returns:
      {"out", "rows", "tickers", "first_as_of", "last_as_of", "model_version", "served_version"}.
    """
    return {
        "out": path,
        "rows": forecast.price_quantiles.size,
        "tickers": len(forecast.tickers),
        "first_as_of": str(forecast.as_of.min()),
        "last_as_of": str(forecast.as_of.max()),
        contract.MODEL_VERSION: forecast.model_version,
        "served_version": forecast.served_version,
    }


def _describe_ticker(forecast: Forecast, index: int) -> dict[str, Any]:
    levels = [f"{level:.2f}" for level in forecast.levels]
    medians = _median_returns(forecast, index)
    return {
        contract.TICKER: forecast.tickers[index],
        contract.AS_OF: str(forecast.as_of[index]),
        contract.LAST_CLOSE: float(forecast.last_close[index]),
        "horizons": [
            {
                contract.HORIZON: int(horizon),
                "median_return": float(medians[row]),
                "prices": dict(zip(levels, forecast.price_quantiles[index, row].tolist(), strict=True)),
                "returns": dict(zip(levels, forecast.return_quantiles[index, row].tolist(), strict=True)),
            }
            for row, horizon in enumerate(forecast.horizons)
        ],
    }


def _median_returns(forecast: Forecast, index: int) -> Any:
    """Median simple return of one ticker by horizon, a fraction."""
    median = int(np.argmin(np.abs(forecast.levels - MEDIAN)))
    return np.expm1(forecast.return_quantiles[index, :, median])
