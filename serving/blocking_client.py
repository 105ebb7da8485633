"""What the two blocking clients share: a forecast in batches, and the wait for a server."""

from __future__ import annotations

import abc
import concurrent.futures
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from components import progress
from serving.answers import NOT_SERVING, ModelMetadata, VersionStatus, judge_health
from serving.bars import LatestBars, take_latest_bars
from serving.call_error import NOT_FOUND, CallError
from serving.client_config import ClientConfig, configure
from serving.forecast import Forecast
from serving.inquiry import Batch, Deadline, Inquiry
from serving.market_choice import MarketChoice
from serving.waiting import Wait


class BlockingClient(abc.ABC):
    """A connection to a server; safe to share between threads, and worth keeping.

    Use it as a context manager, or close it.
    """

    def __init__(self, target: str | ClientConfig, **settings: Any) -> None:
        """Connects at the first call.

        Args:
          target: address of the server, or a whole config.
          **settings: fields of ClientConfig by name, such as model_name, label or timeout_seconds.
        Raises:
          ConfigError: a value is wrong, or a file of certificates cannot be used.
        """
        self.config = configure(target, settings)
        self._market = MarketChoice(self.config)

    @property
    def address(self) -> str:
        """The server's, as it was given."""
        return self.config.address

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the connection; calls under way end with an error."""

    def forecast(self, bars: Any, timeout_seconds: float | None = None) -> Forecast:
        """Asks for the price bands of the next days.

        Args:
          bars: at least contract.LOOKBACK bars of each ticker; see serving.bars.take_latest_bars.
          timeout_seconds: deadline, of all requests together.
        Returns:
          The forecast of all tickers, by one version of the model. Several tickers that fit one request see
          the market that they make, where the model has market features and their days are known.
        Raises:
          InputError: the bars would be refused; nothing was sent.
          ServingError: the server cannot be reached, or refuses.
        """
        deadline = self._start(timeout_seconds)
        latest = take_latest_bars(bars)
        if (whole := self._ask_universe(latest, deadline)) is not None:
            return whole
        inquiry = Inquiry(latest, self.config.max_tickers)
        while batches := inquiry.next_batches():
            inquiry.accept(batches, self._ask_all(batches, deadline))
        answer = inquiry.join()
        self._market.note(answer)
        return self._ask_universe(latest, deadline) or answer

    def status(self, timeout_seconds: float | None = None) -> tuple[VersionStatus, ...]:
        """Each version that the server knows, newest first.

        Raises:
          ServingError: the server cannot be reached, or knows no version of the model.
        """
        return self._list_versions(self._start(timeout_seconds))

    def metadata(self, timeout_seconds: float | None = None) -> ModelMetadata:
        """The version that would answer, and its signatures.

        Raises:
          ServingError: the server cannot be reached, or has no version of the model.
        """
        return self._describe_model(self._start(timeout_seconds))

    def health(self, timeout_seconds: float | None = None) -> str:
        """Whether the server answers requests: serving.answers.SERVING or NOT_SERVING.

        Raises:
          ServingError: the server cannot be reached.
        """
        return self._check_health(self._start(timeout_seconds))

    def wait_until_available(self, timeout_seconds: float) -> int:
        """Waits for a server that has loaded the version that the config names, or any if it names none.

        Returns:
          The version that would answer.
        Raises:
          ServingError: there is none in time; says what the server answered last.
        """
        wait = Wait(self.config, timeout_seconds)
        # Tries within a call would hide what the server answered.
        with type(self)(self.config, max_attempts=1) as once:
            while left := wait.deadline.left():
                try:
                    if self.config.label:
                        return once.metadata(left).version
                    if (version := wait.find(once.status(left))) is not None:
                        return version
                except CallError as error:
                    wait.excuse(error)
                time.sleep(wait.pause_seconds())
        raise wait.give_up()

    @abc.abstractmethod
    def _ask(self, batch: Batch, deadline: Deadline) -> Forecast | None:
        """The answer, or None if the version that the batch names has gone."""

    @abc.abstractmethod
    def _list_versions(self, deadline: Deadline) -> tuple[VersionStatus, ...]:
        """See status."""

    @abc.abstractmethod
    def _describe_model(self, deadline: Deadline) -> ModelMetadata:
        """See metadata."""

    def _check_health(self, deadline: Deadline) -> str:
        """See health; this one is for servers that have no service of that name."""
        try:
            return judge_health(self._list_versions(deadline))
        except CallError as error:
            if error.code != NOT_FOUND:
                raise
        return NOT_SERVING

    def _start(self, timeout_seconds: float | None) -> Deadline:
        return Deadline(self.config.timeout_seconds if timeout_seconds is None else timeout_seconds)

    def _ask_universe(self, bars: LatestBars, deadline: Deadline) -> Forecast | None:
        """The forecast with market features, or None where the model is not known to have them."""
        if not self._market.is_wanted(bars):
            return None
        try:
            return self._ask(Batch(0, bars, None, is_universe=True), deadline)
        except CallError as error:
            self._market.excuse(error)
        return None

    def _ask_all(self, batches: Sequence[Batch], deadline: Deadline) -> list[Forecast | None]:
        if len(batches) == 1:
            return [self._ask(batches[0], deadline)]
        num_threads = min(len(batches), self.config.max_parallel)
        with concurrent.futures.ThreadPoolExecutor(num_threads, "marketcast-forecast") as pool:
            asked = [pool.submit(self._ask, batch, deadline) for batch in batches]
            answers = []
            try:
                for one in asked:
                    answers.append(one.result())
                    progress.report("batches answered", len(answers), len(asked))
                return answers
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
