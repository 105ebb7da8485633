"""Bars of prices drawn at random, for forecasters that read the adjusted close only."""

from __future__ import annotations

import numpy as np

from components import contract
from components.ingest.bars import TickerBars, day_number

FIRST_DAY = "2001-01-01"


def make_bars(returns: np.ndarray, ticker: str = "AAA", first_day: str = FIRST_DAY) -> TickerBars:
    """Bars whose log returns are given; the first bar has none. One a calendar day."""
    prices = 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    columns = dict.fromkeys(contract.PRICE_COLUMNS, prices)
    dates = day_number(first_day) + np.arange(len(prices))
    return TickerBars(ticker, contract.UNKNOWN_SECTOR, dates, **columns, volume=np.zeros(len(prices)))


def draw_returns(num: int, seed: int = 0, volatility: float = 0.02) -> np.ndarray:
    """Returns with a volatility that wanders."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.0005, volatility, num) * np.exp(0.5 * np.sin(np.arange(num) / 40.0))


def replace_after(bars: TickerBars, last: int, seed: int = 1) -> TickerBars:
    """The same bars up to position `last`, noise after it."""
    returns = np.diff(np.log(bars.adj_close))
    noise = np.random.default_rng(seed).normal(0.0, 0.2, len(returns))
    changed = make_bars(np.where(np.arange(len(returns)) < last, returns, noise), bars.ticker)
    kept = changed.adj_close.copy()
    kept[: last + 1] = bars.adj_close[: last + 1]
    return TickerBars(
        bars.ticker,
        bars.sector,
        bars.dates,
        **dict.fromkeys(contract.PRICE_COLUMNS, kept),
        volume=bars.volume,
    )
