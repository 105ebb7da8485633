"""Bars to ask with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components import contract
from tests.fixtures.simulated_bars import simulate_garch_bars


def make_frame(num_tickers: int = 2, num_days: int = contract.LOOKBACK + 5) -> pd.DataFrame:
    """A long table of simulated bars."""
    return simulate_garch_bars(num_tickers, num_days, seed=7)


def make_mapping(frame: pd.DataFrame, with_dates: bool = True) -> dict[str, dict[str, np.ndarray]]:
    """The same as ticker -> columns."""
    names = [*contract.BAR_COLUMNS, *([contract.DATE] if with_dates else [])]
    return {
        ticker: {name: rows[name].to_numpy() for name in names}
        for ticker, rows in frame.groupby(contract.TICKER)
    }
