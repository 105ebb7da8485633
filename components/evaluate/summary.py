"""Named figures out of a scoreboard: what the gate, the record and the report speak of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components import contract
from components.evaluate.metrics import Floats, diebold_mariano, skill
from components.evaluate.scoreboard import BANDS, BASELINES, COLUMN, Scoreboard, daily_gains
from components.evaluate.ticker_sums import TickerSums, join_runs

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
    sums = board.sums.sum(axis=0)
    tests = [diebold_mariano(daily_gains(board.sums[:, index])) for index in range(len(sums))]
    num_dates = float((board.sums[:, 0, COLUMN["days"]] > 0).sum())
    figures = _name_figures(sums, tests, num_dates)
    figures[WORST_TICKER_COVERAGE] = _worst_ticker(board, figures[WORST_TICKER_COVERAGE])
    return figures


def summarise_tickers(board: Scoreboard) -> dict[str, dict[str, float]]:
    """The same figures of each ticker alone."""
    return {ticker: _summarise_ticker(join_runs(runs)) for ticker, runs in board.tickers.items()}


def _summarise_ticker(ticker: TickerSums) -> dict[str, float]:
    tests = [gains.diebold_mariano() for gains in ticker.gains]
    return _name_figures(ticker.sums, tests, float(ticker.sums[0, COLUMN["days"]]))


def _name_figures(sums: Floats, tests: Sequence[float], num_dates: float) -> dict[str, float]:
    """All figures, the worst ticker's coverage being that of all days.

    Args:
      sums: [horizons, columns]; tests: Diebold-Mariano t by horizon; num_dates: scored one day ahead.
    """
    figures: dict[str, float] = {}
    for horizon, by_column, test in zip(contract.HORIZONS, sums, tests, strict=True):
        for name, value in _name_horizon(by_column, test).items():
            figures[at_horizon(name, horizon)] = value
    figures[NUM_DATES] = num_dates
    figures[NUM_TARGET_DAYS] = float(sums[0, COLUMN["days"]])
    figures[CROSSINGS] = float(sums[:, COLUMN["crossings"]].sum())
    figures[WORST_TICKER_COVERAGE] = figures[at_horizon("coverage_90", 1)]
    leak = figures[at_horizon("skill_ewma", 1)]
    figures[LEAK_SKILL] = leak if num_dates >= MIN_LEAK_DATES else 0.0
    return figures


def _name_horizon(sums: Floats, test: float) -> dict[str, float]:
    """Figures of one horizon from its sums [columns] and its Diebold-Mariano t."""

    def share(name: str, of: str = "days") -> float:
        whole = sums[COLUMN[of]]
        return float(sums[COLUMN[name]] / whole) if whole > 0 else float("nan")

    figures = {"pinball": share("pinball_model")}
    for name in BASELINES:
        figures[f"pinball_{name}"] = share(f"pinball_{name}")
        figures[f"skill_{name}"] = skill(figures["pinball"], figures[f"pinball_{name}"])
    figures["dm_t_ewma"] = test
    figures |= {f"coverage_{band}": share(f"inside_{band}") for band in BANDS}
    figures["median_price_skill"] = skill(share("error_model"), share("error_random_walk"))
    figures["direction"] = share("right_direction", "moves")
    figures["always_up"] = share("ups", "moves")
    return figures


def _worst_ticker(board: Scoreboard, pooled: float) -> float:
    """Smallest 90 % coverage over the tickers that have enough days; else the pooled one."""
    first = [sum(run.sums[0] for run in runs) for runs in board.tickers.values()]
    days_inside = [(own[COLUMN["days"]], own[COLUMN["inside_90"]]) for own in first]
    shares = [inside / days for days, inside in days_inside if days >= MIN_TICKER_DAYS]
    return float(np.min(shares)) if shares else pooled
