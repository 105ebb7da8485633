"""Intervals of a skill from blocks of dates drawn again. Pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.evaluate.metrics import Floats

BLOCK_DATES = 20
"""A month of trading days: longer than a day's losses remember, short enough to leave many blocks."""
NUM_DRAWS = 1000
BATCH_DRAWS = 100
"""Draws held at a time, so that the memory does not grow with their number."""


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
    rng = np.random.default_rng(seed)
    skills = np.concatenate(
        [
            _draw_skills(losses, baseline_losses, _draw_dates(num_dates, rng))
            for _ in range(NUM_DRAWS // BATCH_DRAWS)
        ]
    )
    low, high = np.quantile(skills, [(1.0 - share) / 2.0, (1.0 + share) / 2.0])
    return float(low), float(high)


def _draw_dates(num_dates: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Positions of the dates of BATCH_DRAWS histories as long as the real one, [draws, dates]."""
    block = min(BLOCK_DATES, num_dates // 4)
    num_blocks = -(-num_dates // block)
    starts = rng.integers(0, num_dates, (BATCH_DRAWS, num_blocks, 1))
    drawn: npt.NDArray[np.int64] = (starts + np.arange(block)) % num_dates
    return drawn.reshape(BATCH_DRAWS, -1)[:, :num_dates]


def _draw_skills(losses: Floats, baseline_losses: Floats, dates: npt.NDArray[np.int64]) -> Floats:
    skills: Floats = 1.0 - losses[dates].sum(axis=1) / baseline_losses[dates].sum(axis=1)
    return skills
