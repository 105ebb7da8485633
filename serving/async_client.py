"""The client over gRPC for programs of asyncio."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc.aio

from serving.answers import NOT_SERVING, ModelMetadata, VersionStatus, judge_health
from serving.bars import LatestBars, take_latest_bars
from serving.call_error import CANCELLED, NOT_FOUND, UNIMPLEMENTED, CallError
from serving.channels import make_channel
from serving.client import explain
from serving.client_config import ClientConfig, configure
from serving.forecast import Forecast
from serving.inquiry import Batch, Deadline, Inquiry
from serving.market_choice import MarketChoice
from serving.requests import METHODS, Question, ask_forecast, ask_health, ask_metadata, ask_status
from serving.waiting import Wait

Answer = TypeVar("Answer")


class AsyncForecastClient:
    """A gRPC connection to a server, to be used within one event loop.

    Use it as an asynchronous context manager, or close it. The methods are those of ForecastClient, and what
    they take, return and raise; a task that is cancelled ends its calls.
    """

    def __init__(self, target: str | ClientConfig, **settings: Any) -> None:
        """Connects at the first call.

        Args:
          target: address of the server, or a whole config.
          **settings: fields of ClientConfig by name, such as model_name, label or timeout_seconds.
        Raises:
          ConfigError: a value is wrong.
        """
        self.config = configure(target, settings)
        self._market = MarketChoice(self.config)

    @property
    def address(self) -> str:
        """The server's, as it was given."""
        return self.config.address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection; calls under way end with an error."""
        await self._channel.close()

    async def forecast(self, bars: Any, timeout_seconds: float | None = None) -> Forecast:
        """Asks for the price bands of the next days; see BlockingClient.forecast."""
        deadline = self._start(timeout_seconds)
        latest = take_latest_bars(bars)
        if (whole := await self._ask_universe(latest, deadline)) is not None:
            return whole
        inquiry = Inquiry(latest, self.config.max_tickers)
        while batches := inquiry.next_batches():
            inquiry.accept(batches, await self._ask_all(batches, deadline))
        answer = inquiry.join()
        self._market.note(answer)
        return await self._ask_universe(latest, deadline) or answer

    async def status(self, timeout_seconds: float | None = None) -> tuple[VersionStatus, ...]:
        """Each version that the server knows, newest first."""
        return await self._call(ask_status(self.config), self._start(timeout_seconds))

    async def metadata(self, timeout_seconds: float | None = None) -> ModelMetadata:
        """The version that would answer, and its signatures."""
        return await self._call(ask_metadata(self.config), self._start(timeout_seconds))

    async def health(self, timeout_seconds: float | None = None) -> str:
        """Whether the server answers requests: serving.answers.SERVING or NOT_SERVING."""
        deadline = self._start(timeout_seconds)
        try:
            return await self._call(ask_health(), deadline)
        except CallError as error:
            if error.code != UNIMPLEMENTED:
                raise
        try:
            return judge_health(await self.status(deadline.left()))
        except CallError as error:
            if error.code != NOT_FOUND:
                raise
        return NOT_SERVING

    async def wait_until_available(self, timeout_seconds: float) -> int:
        """Waits for a server that has loaded the version; see BlockingClient.wait_until_available."""
        wait = Wait(self.config, timeout_seconds)
        # Tries within a call would hide what the server answered.
        async with AsyncForecastClient(self.config, max_attempts=1) as once:
            while left := wait.deadline.left():
                try:
                    if self.config.label:
                        return (await once.metadata(left)).version
                    if (version := wait.find(await once.status(left))) is not None:
                        return version
                except CallError as error:
                    wait.excuse(error)
                await asyncio.sleep(wait.pause_seconds())
        raise wait.give_up()

    @functools.cached_property
    def _channel(self) -> Any:
        # Made at the first call: only then is it certain that the event loop runs.
        return make_channel(self.config, grpc.aio)

    @functools.cached_property
    def _calls(self) -> Mapping[str, Callable[..., Any]]:
        return {method.path: method.bind(self._channel) for method in METHODS}

    def _start(self, timeout_seconds: float | None) -> Deadline:
        return Deadline(self.config.timeout_seconds if timeout_seconds is None else timeout_seconds)

    async def _ask_universe(self, bars: LatestBars, deadline: Deadline) -> Forecast | None:
        """The forecast with market features, or None where the model is not known to have them."""
        if not self._market.is_wanted(bars):
            return None
        try:
            return await self._ask(Batch(0, bars, None, is_universe=True), deadline)
        except CallError as error:
            self._market.excuse(error)
        return None

    async def _ask_all(self, batches: Sequence[Batch], deadline: Deadline) -> list[Forecast | None]:
        turns = asyncio.Semaphore(self.config.max_parallel)

        async def ask(batch: Batch) -> Forecast | None:
            async with turns:
                return await self._ask(batch, deadline)

        asked = [asyncio.ensure_future(ask(batch)) for batch in batches]
        try:
            return list(await asyncio.gather(*asked))
        finally:
            for one in asked:
                one.cancel()

    async def _ask(self, batch: Batch, deadline: Deadline) -> Forecast | None:
        """The answer, or None if the version that the batch names has gone."""
        try:
            return await self._call(ask_forecast(self.config, batch), deadline)
        except CallError as error:
            if batch.version is not None and error.code == NOT_FOUND:
                return None
            raise

    async def _call(self, question: Question[Answer], deadline: Deadline) -> Answer:
        headers = tuple(self.config.read_headers().items())
        call = self._calls[question.method.path]
        try:
            answer = await call(question.request, timeout=deadline.left(), metadata=headers)
        except grpc.aio.AioRpcError as error:
            raise explain(self.config, error, deadline) from error
        except grpc.aio.UsageError as error:  # The channel has been closed.
            raise CallError(self.config, CANCELLED, str(error), deadline.seconds) from error
        return question.read(answer)
