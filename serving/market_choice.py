"""Whether a forecast is asked with market features: what the client has seen of the model that is served."""

from __future__ import annotations

from serving.bars import LatestBars
from serving.call_error import FAILED_PRECONDITION, CallError
from serving.client_config import ClientConfig
from serving.forecast import Forecast

UNIVERSE_SHARE = 0.75
"""Of ClientConfig.max_tickers: with its days a ticker's bars take a third more bytes."""


class MarketChoice:
    """Remembers whether the last answer came from a model that sees the market.

    The first answer of such a model is one without the market, and tells what it is: then it is asked
    again, for the universe. So a model that sees none costs no call more, and after a hot swap the same
    forecast is right already.
    """

    def __init__(self, config: ClientConfig) -> None:
        """Has seen no answer yet."""
        self._config = config
        self._sees_market = False

    def is_wanted(self, bars: LatestBars) -> bool:
        """Whether the model sees the market, as far as is known, and one request can hold the universe."""
        if not self._sees_market or self._config.by_rows:
            return False
        return bars.is_universe and len(bars.tickers) <= UNIVERSE_SHARE * self._config.max_tickers

    def note(self, answer: Forecast) -> None:
        """Sees an answer."""
        self._sees_market = answer.sees_market

    def excuse(self, error: CallError) -> None:
        """Takes a refusal for the sign that another version is served, which does not see the market.

        Raises:
          CallError: it is another one.
        """
        if error.code != FAILED_PRECONDITION:
            raise error
        self._sees_market = False
