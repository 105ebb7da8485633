"""The market of whole histories: contributions of each ticker, and the table of all days."""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow as tf

from components.ingest.bars import TickerBars
from components.ingest.market_table import NO_MARKET, NO_SUMS, DaySums, MarketTable
from components.transform import market
from components.transform.market_config import MarketConfig
from components.transform.ticker_features import derive


def sum_ticker(bars: TickerBars) -> DaySums:
    """What one ticker contributes; nothing where its history is too short."""
    own = market.contribute(derive(bars))[0].numpy()
    return DaySums(bars.dates[market.FIRST_DAY :], own[market.FIRST_DAY :])


def make_table(sums: DaySums, config: MarketConfig) -> MarketTable:
    """The market of each day that enough tickers contributed to."""
    if not len(sums.days):
        return NO_MARKET
    values = market.combine(tf.constant(sums.sums), config.min_tickers).numpy()
    return MarketTable(sums.days, values)


def find_market(bars: Iterable[TickerBars], config: MarketConfig) -> MarketTable | None:
    """The market among some tickers; None where the configuration wants none."""
    if not config.enabled:
        return None
    sums = NO_SUMS
    for own in bars:
        sums = sums.merge(sum_ticker(own))
    return make_table(sums, config)
