"""The section `market` of the configuration; no framework is imported, reading it is quick."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class MarketConfig:
    """Whether the network also sees what all tickers did on the same day.

    Attributes:
      enabled: add the market features of components/transform/market.py to the network's inputs, and the
        signature `forecast_universe` to the model.
      min_tickers: a day has a market where at least as many tickers have a past of 200 returns, at least 2;
        a forecast of fewer tickers, such as of one alone, is made without.
    """

    enabled: bool = False
    min_tickers: int = 10

    def __post_init__(self) -> None:
        if self.min_tickers < 2:
            raise ValueError(
                f"market.min_tickers must be at least 2, got {self.min_tickers}; one ticker is no market"
            )


ALONE = MarketConfig()
"""Each ticker by itself: no market features."""
