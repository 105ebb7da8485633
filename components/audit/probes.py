"""What the audit tries on one chunk: noise in its future, and its labels from its closes again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from components import contract

Columns = Mapping[str, npt.NDArray[np.float32]]
"""Bar columns of a chunk, each [LOOKBACK + days], and MARKET [LOOKBACK + days, n] where it has one."""
Answer = Mapping[str, npt.NDArray[np.float32]]
"""Outputs of the `evaluate` signature for one chunk: by target day, but for BASE_QUANTILES."""
DAILY_OUTPUTS = (contract.RETURN_QUANTILES, contract.VOLATILITY)
NOISE = 2.0
"""Standard deviation of the noise, in logs: prices and volumes seven times as high or as low are common."""
LABEL_TOLERANCE = 1e-5
"""A label is a difference of logs of prices that were rounded to float32: 24 bits, twice."""


@dataclasses.dataclass(frozen=True)
class ChunkView:
    """One chunk example, taken apart.

    Attributes:
      name: split, ticker and first target day, for people.
      bars: see Columns; float32.
      label: float32 [days, len(HORIZONS)], log returns.
      label_mask: likewise; 1 where the label is real.
    """

    name: str
    bars: Columns
    label: npt.NDArray[np.float32]
    label_mask: npt.NDArray[np.float32]

    @property
    def num_days(self) -> int:
        """Target days."""
        return len(self.label)


def replace_future(bars: Columns, day: int, seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """A copy of a chunk's bars in which each bar, and market, after target day `day` is multiplied by noise.

    Args:
      bars: see ChunkView.
      day: a target day, counted from 0; its own bar is kept.
      seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    first = contract.LOOKBACK + day + 1
    noisy = {name: column.copy() for name, column in bars.items()}
    for column in noisy.values():
        column[first:] *= np.exp(rng.normal(0.0, NOISE, column[first:].shape)).astype(np.float32)
    return noisy


def compare_answers(before: Answer, after: Answer, day: int) -> list[str]:
    """What is wrong if noise after `day` made `after` of `before`.

    Returns:
      A sentence for each output with a bit that changed up to the day. One more if nothing after it
      changed: then the outputs do not depend on the bars, and the probe proves nothing.
    """
    problems = []
    is_heard = False
    for name in DAILY_OUTPUTS:
        changed = _bits(before[name]) != _bits(after[name])
        days = np.flatnonzero(changed.reshape(len(changed), -1).any(axis=1))
        if len(early := days[days <= day]):
            problems.append(
                f"{name} of target day {early[-1]} must not see bars after day {day}, got another value when "
                f"they changed"
            )
        is_heard |= bool(np.any(days > day))
    if not np.array_equal(_bits(before[contract.BASE_QUANTILES]), _bits(after[contract.BASE_QUANTILES])):
        problems.append(f"{contract.BASE_QUANTILES} must be constants, got others when later bars changed")
    if not is_heard:
        problems.append(f"outputs after day {day} must follow the bars, got the same when they changed")
    return problems


def check_labels(chunk: ChunkView) -> list[str]:
    """Compares the labels with log returns of adj_close from each target day on.

    Only labels that end within the chunk can be compared.
    """
    log_price = np.log(chunk.bars[contract.ADJ_CLOSE].astype(np.float64))[contract.LOOKBACK :]
    problems = []
    for index, horizon in enumerate(contract.HORIZONS):
        if chunk.num_days <= horizon:
            continue
        wanted = log_price[horizon:] - log_price[:-horizon]
        found, mask = chunk.label[:-horizon, index], chunk.label_mask[:-horizon, index] > 0
        wrong = np.flatnonzero(mask & (np.abs(found - wanted) > LABEL_TOLERANCE))
        if len(wrong):
            day = wrong[0]
            problems.append(
                f"the label of target day {day} at horizon {horizon} must be the log return from its close "
                f"to the one {horizon} bars later, {wanted[day]:.6f}, got {found[day]:.6f} "
                f"({len(wrong)} of {mask.sum()} are wrong)"
            )
    return problems


def probe_chunk(
    chunk: ChunkView, ask: Callable[[Columns], Answer], days: npt.NDArray[np.int64], seed: int
) -> list[str]:
    """Puts noise after each of some target days and compares the model's answers.

    Args:
      chunk: what is perturbed.
      ask: the exported model's `evaluate` signature.
      days: target days, each with at least one after it.
      seed: of the noise.
    Returns:
      What is wrong, a sentence each.
    """
    before = ask(chunk.bars)
    problems = []
    for day in days:
        after = ask(replace_future(chunk.bars, int(day), seed + int(day)))
        problems += compare_answers(before, after, int(day))
    return problems


def _bits(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
    """The same numbers as bits, so that no difference is too small and NaN equals itself."""
    return np.ascontiguousarray(values, np.float32).view(np.uint32)
