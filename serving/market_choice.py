"""Whether a forecast is asked with market features: what the client knows of the model that is served."""

from __future__ import annotations

from components import contract
from serving.answers import ModelMetadata
from serving.bars import LatestBars
from serving.call_error import FAILED_PRECONDITION, CallError
from serving.client_config import ClientConfig
from serving.forecast import Forecast

UNIVERSE_SHARE = 0.75
"""Of ClientConfig.max_tickers: with its days a ticker's bars take a third more bytes."""


class MarketChoice:
    """Remembers of one version whether it has contract.UNIVERSE_SIGNATURE.

    A hot swap may make that wrong: then the forecast is one without market features, and the next is right
    again. Two threads that learn at the same time learn the same.
    """

    def __init__(self, config: ClientConfig) -> None:
        """Knows nothing yet."""
        self._config = config
        self._known: tuple[int, bool] | None = None

    def is_possible(self, bars: LatestBars) -> bool:
        """Whether one request can hold the universe; where rows are joined into batches none can."""
        most = UNIVERSE_SHARE * self._config.max_tickers
        return bars.is_universe and not self._config.by_rows and len(bars.tickers) <= most

    @property
    def is_known(self) -> bool:
        """Whether the metadata have been asked."""
        return self._known is not None

    @property
    def is_served(self) -> bool:
        """Whether the version has the signature, as far as is known."""
        return self._known is not None and self._known[1]

    def learn(self, metadata: ModelMetadata) -> None:
        """Takes what the server tells of the version that would answer."""
        self._known = (metadata.version, contract.UNIVERSE_SIGNATURE in metadata.signatures)

    def check(self, answer: Forecast) -> None:
        """Forgets what is known if another version has answered."""
        if self._known is not None and answer.served_version != self._known[0]:
            self._known = None

    def excuse(self, error: CallError) -> None:
        """Takes a refusal for the sign that the version has changed.

        Raises:
          CallError: it is another one.
        """
        if error.code != FAILED_PRECONDITION:
            raise error
        self._known = None
