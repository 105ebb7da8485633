"""Intervals of a skill from blocks of dates drawn again. Pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.evaluate.metrics import Floats

BLOCK_DATES = 20
"""A month of trading days: longer than a day's losses remember, short enough to leave many blocks."""
NUM_DRAWS = 1000


def skill_interval(
    losses: Floats, baseline_losses: Floats, share: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Interval of the skill, by the circular block bootstrap over dates.

    Whole dates are drawn, in runs of BLOCK_DATES, so that tickers that move together and days that follow
    each other stay together. Of a short history a block is at most a quarter.

    Args:
      losses, baseline_losses: [dates], sums or means over the tickers of a date, in order of time.
      share: of the draws that the interval holds, in (0, 1).
      seed: of the draws.
    Returns:
      Lower and upper end; NaN for fewer than eight dates or where the baseline loses nothing.
    Source: Politis and Romano (1992), in Exploring the Limits of Bootstrap, pp. 263-270.
    """
    num_dates = len(losses)
    if num_dates < 8 or not baseline_losses.sum() > 0.0:
        return float("nan"), float("nan")
    block = min(BLOCK_DATES, num_dates // 4)
    num_blocks = -(-num_dates // block)
    starts = np.random.default_rng(seed).integers(0, num_dates, (NUM_DRAWS, num_blocks))
    drawn, drawn_baseline = (_sum_draws(values, starts, block) for values in (losses, baseline_losses))
    low, high = np.quantile(1.0 - drawn / drawn_baseline, [(1.0 - share) / 2.0, (1.0 + share) / 2.0])
    return float(low), float(high)


def _sum_draws(values: Floats, starts: npt.NDArray[np.int64], block: int) -> Floats:
    """Sum of each history of blocks, the last of which is cut so that all are as long as the real one.

    Sums of blocks are looked up, not added up date by date: a report asks for thousands of intervals.

    Args:
      values: [dates]; starts: [draws, blocks], positions of the blocks' first dates.
    Returns:
      [draws].
    """
    last = len(values) - block * (starts.shape[1] - 1)
    sums: Floats = _sum_blocks(values, block)[starts[:, :-1]].sum(axis=1)
    return sums + _sum_blocks(values, last)[starts[:, -1]]


def _sum_blocks(values: Floats, length: int) -> Floats:
    """Sum of the `length` dates from each on, the first following the last; [dates] -> [dates]."""
    running = np.cumsum(np.concatenate([[0.0], values, values[: length - 1]]))
    sums: Floats = running[length:] - running[:-length]
    return sums
