"""The market in the Beam graph of beam_examples: sums of all tickers by day, as a table beside them."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import apache_beam as beam

from components.ingest.bars import TickerBars
from components.ingest.market import make_table, sum_ticker
from components.ingest.market_table import NO_SUMS, DaySums
from components.transform.market_config import MarketConfig


def add_market(bars: beam.PCollection[TickerBars], config: MarketConfig) -> beam.pvalue.AsSingleton:
    """Sums what each ticker contributes.

    Args:
      bars: clean ones, a ticker each.
      config: enabled.
    Returns:
      A MarketTable as a side input; it has a row a day, however many tickers there are.
    """
    return beam.pvalue.AsSingleton(
        bars
        | "Contribute" >> beam.Map(sum_ticker)
        | "SumByDay" >> beam.CombineGlobally(DayTotals())
        | "Market" >> beam.Map(make_table, config)
    )


class DayTotals(beam.CombineFn):
    """Adds up what tickers contribute."""

    def create_accumulator(self) -> DaySums:
        """No ticker."""
        return NO_SUMS

    def add_input(self, accumulator: DaySums, own: DaySums) -> DaySums:
        """One more ticker."""
        return accumulator.merge(own)

    def merge_accumulators(self, accumulators: Iterable[DaySums]) -> DaySums:
        """The tickers of several workers."""
        return functools.reduce(DaySums.merge, accumulators, NO_SUMS)

    def extract_output(self, accumulator: DaySums) -> DaySums:
        """The sums of all."""
        return accumulator
