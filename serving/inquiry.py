"""One forecast asked for in batches, which one version of the model must answer all."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from components.errors import ServingError
from serving.bars import LatestBars
from serving.forecast import Forecast, join_forecasts

MAX_ROUNDS = 5
"""How often batches are asked, before a server that changes its version all the time is given up."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """One request's share.

    Attributes:
      index: its place among the batches.
      bars: of its tickers.
      version: the one that has to answer; None leaves it to the client's config.
      is_universe: ask for a forecast in which the tickers see the market that they make.
    """

    index: int
    bars: LatestBars
    version: int | None
    is_universe: bool = False


class Inquiry:
    """Hands out the batches that lack an answer until all have one, of the same version.

    A hot swap between two batches leaves answers of two versions. Those of the older one are asked again, of
    the newer one by its number: that one has just been loaded and will stay. If it has gone nevertheless, as
    in a roll-back, all batches are asked anew.
    """

    def __init__(self, bars: LatestBars, max_tickers: int) -> None:
        """Cuts the batches.

        Args:
          bars: of all tickers.
          max_tickers: of one batch.
        """
        num_tickers = len(bars.tickers)
        self._parts = [
            bars.slice(start, min(start + max_tickers, num_tickers))
            for start in range(0, num_tickers, max_tickers)
        ]
        self._answers: list[Forecast | None] = [None] * len(self._parts)
        self._version: int | None = None
        self._seen: set[tuple[int, str]] = set()
        self._num_rounds = 0

    def next_batches(self) -> list[Batch]:
        """What to ask now; nothing when the forecast is complete.

        Raises:
          ServingError: the versions do not come to rest.
        """
        batches = [
            Batch(index, part, self._version)
            for index, part in enumerate(self._parts)
            if self._answers[index] is None
        ]
        if batches and self._num_rounds == MAX_ROUNDS:
            seen = ", ".join(f"{version} ({model})" for version, model in sorted(self._seen)) or "none"
            raise ServingError(
                f"the {len(self._parts)} requests of a forecast must be answered by one version, got {seen} "
                f"in {MAX_ROUNDS} rounds; wait for the end of the roll-out, or name a version"
            )
        self._num_rounds += 1
        return batches

    def accept(self, batches: Sequence[Batch], answers: Sequence[Forecast | None]) -> None:
        """Takes the answers; None stands for a version that is not there any more."""
        for batch, answer in zip(batches, answers, strict=True):
            self._answers[batch.index] = answer
        found = {(a.served_version, a.model_version) for a in self._answers if a is not None}
        self._seen |= found
        if any(answer is None for answer in self._answers):
            self._version = None
            self._answers = [None] * len(self._parts)
        elif len(found) > 1:
            newest = max(found)
            self._version = newest[0]
            self._answers = [
                a if a is not None and (a.served_version, a.model_version) == newest else None
                for a in self._answers
            ]

    def join(self) -> Forecast:
        """The whole forecast, tickers in the order of the bars."""
        return join_forecasts([answer for answer in self._answers if answer is not None])


class Deadline:
    """A span of time that several calls share."""

    def __init__(self, seconds: float) -> None:
        """Starts it.

        Args:
          seconds: its length.
        """
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left, zero or more."""
        return max(0.0, self._end - time.monotonic())
