"""Named figures out of a scoreboard: what the gate, the record and the report speak of."""

from __future__ import annotations

import numpy as np

from components import contract
from components.evaluate.metrics import Floats, diebold_mariano, skill
from components.evaluate.scoreboard import BANDS, BASELINES, COLUMN, Scoreboard

MIN_TICKER_DAYS = 500
"""Target days a ticker needs for its own coverage to be judged."""
MIN_LEAK_DATES = 1000
"""Dates from which on a skill can be too good to be true."""

NUM_DATES = "num_dates"
NUM_TARGET_DAYS = "num_target_days"
CROSSINGS = "quantile_crossings"
WORST_TICKER_COVERAGE = "worst_ticker_coverage_90"
LEAK_SKILL = "leak_skill"


def at_horizon(name: str, horizon: int) -> str:
    """Name of a figure of one horizon, such as `pinball_h1`."""
    return f"{name}_h{horizon}"


def metric_names() -> list[str]:
    """Names of all figures that `summarise` gives."""
    return list(summarise(Scoreboard.empty()))


def summarise(board: Scoreboard) -> dict[str, float]:
    """Computes all figures; shares are fractions, losses are of log returns, NaN where nothing was scored.

    Of each horizon h: pinball_h, pinball_<baseline>_h, skill_<baseline>_h, dm_t_ewma_h, coverage_90/80/50_h,
    median_price_skill_h (against the random walk), direction_h, always_up_h. Of all: num_dates,
    num_target_days, quantile_crossings, worst_ticker_coverage_90 (over tickers with MIN_TICKER_DAYS
    days; of all days where no ticker has as many), leak_skill (skill_ewma_h1 on at least
    MIN_LEAK_DATES dates, else 0).
    """
    figures: dict[str, float] = {}
    for index, horizon in enumerate(contract.HORIZONS):
        for name, value in _summarise_horizon(board.sums[:, index]).items():
            figures[at_horizon(name, horizon)] = value
    first = board.sums[:, 0]
    scored = first[:, COLUMN["days"]] > 0
    figures[NUM_DATES] = float(scored.sum())
    figures[NUM_TARGET_DAYS] = float(first[:, COLUMN["days"]].sum())
    figures[CROSSINGS] = float(board.sums[:, :, COLUMN["crossings"]].sum())
    figures[WORST_TICKER_COVERAGE] = _worst_ticker(board, figures[at_horizon("coverage_90", 1)])
    leak = figures[at_horizon("skill_ewma", 1)]
    figures[LEAK_SKILL] = leak if figures[NUM_DATES] >= MIN_LEAK_DATES else 0.0
    return figures


def _summarise_horizon(by_date: Floats) -> dict[str, float]:
    """Figures of one horizon from its sums [dates, columns]."""
    sums = by_date.sum(axis=0)

    def share(name: str, of: str = "days") -> float:
        whole = sums[COLUMN[of]]
        return float(sums[COLUMN[name]] / whole) if whole > 0 else float("nan")

    figures = {"pinball": share("pinball_model")}
    for name in BASELINES:
        figures[f"pinball_{name}"] = share(f"pinball_{name}")
        figures[f"skill_{name}"] = skill(figures["pinball"], figures[f"pinball_{name}"])
    figures["dm_t_ewma"] = diebold_mariano(_daily_differences(by_date))
    figures |= {f"coverage_{band}": share(f"inside_{band}") for band in BANDS}
    figures["median_price_skill"] = skill(share("error_model"), share("error_random_walk"))
    figures["direction"] = share("right_direction", "moves")
    figures["always_up"] = share("ups", "moves")
    return figures


def _daily_differences(by_date: Floats) -> Floats:
    """EWMA's loss less the model's, mean over the tickers of each date; [dates]."""
    scored = by_date[by_date[:, COLUMN["days"]] > 0]
    gains = scored[:, COLUMN["pinball_ewma"]] - scored[:, COLUMN["pinball_model"]]
    differences: Floats = gains / scored[:, COLUMN["days"]]
    return differences


def _worst_ticker(board: Scoreboard, pooled: float) -> float:
    """Smallest 90 % coverage over the tickers that have enough days; else the pooled one."""
    shares = [inside / days for days, inside in board.tickers.values() if days >= MIN_TICKER_DAYS]
    return float(np.min(shares)) if shares else pooled
