"""Unadjusted splits are flagged, real jumps are not: on the shipped prices."""

from __future__ import annotations

import pathlib

import numpy as np
import pandas as pd
import pytest

from components.errors import InputError
from components.ingest.bars import TickerBars, ValidationConfig, iso_date
from components.ingest.jumps import find_unadjusted_splits
from components.ingest.panel import Panel, read_panel
from components.ingest.source_config import SourceConfig
from tests.components.ingest.shipped import SHIPPED_SOURCE

REAL_SPLITS = {"AAPL": ["2000-06-21", "2005-02-28"], "MSFT": ["2003-02-18"]}
"""2:1 each, within the shipped years."""
LEAST_FOUND = 0.99
STEP = 17
"""Every STEP-th day gets a made-up split."""


@pytest.fixture(scope="module")
def panel() -> Panel:
    return read_panel(SHIPPED_SOURCE, ValidationConfig())


def _flagged(bars: TickerBars, factor: np.ndarray, share_factor: np.ndarray) -> list[int]:
    """Divides all prices by `factor` and multiplies volume by `share_factor`."""
    prices = (bars.open / factor, bars.close / factor, bars.adj_close / factor)
    return find_unadjusted_splits(*prices, bars.volume * share_factor).tolist()


def test_shipped_prices_have_none_and_the_crash_is_among_them(panel: Panel) -> None:
    assert "2000-09-29" in [iso_date(day) for day in panel.bars["AAPL"].dates]
    for bars in panel.bars.values():
        assert _flagged(bars, np.ones(len(bars)), np.ones(len(bars))) == []


def test_without_adjustment_exactly_the_real_splits_are_found(panel: Panel) -> None:
    found = {}
    for ticker, bars in panel.bars.items():
        days = find_unadjusted_splits(bars.open, bars.close, bars.close, bars.volume)
        found[ticker] = [iso_date(bars.dates[day]) for day in days]
    assert {ticker: days for ticker, days in found.items() if days} == REAL_SPLITS


@pytest.mark.parametrize("with_shares", [True, False])
@pytest.mark.parametrize("ratio", [1.5, 2.0, 3.0, 4.0, 7.0, 20.0, 0.5, 0.1, 0.125])
def test_made_up_splits_are_found(panel: Panel, ratio: float, with_shares: bool) -> None:
    found = []
    for bars in panel.bars.values():
        for day in range(1, len(bars), STEP):
            factor = np.where(np.arange(len(bars)) >= day, ratio, 1.0)
            found.append(day in _flagged(bars, factor, factor if with_shares else np.ones(len(bars))))
    assert np.mean(found) >= LEAST_FOUND


def test_an_accepted_jump_passes(panel: Panel, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "unadjusted.csv"
    pd.read_csv(SHIPPED_SOURCE.path).drop(columns="adj_close").to_csv(path, index=False)
    source = SourceConfig(str(path), "")
    with pytest.raises(InputError, match=r"3 violations(.|\n)*AAPL 2000-06-21"):
        read_panel(source, ValidationConfig())
    accepted = tuple(f"{ticker} {day}" for ticker, days in REAL_SPLITS.items() for day in days)
    assert len(read_panel(source, ValidationConfig(accepted_jumps=accepted)).bars) == len(panel.bars)


def test_a_few_bars_are_never_a_split() -> None:
    one = np.ones(1)
    assert find_unadjusted_splits(one, one, one, one).tolist() == []


def test_no_volume_counts_as_quiet() -> None:
    price = np.where(np.arange(100) < 50, 10.0, 5.0)
    assert find_unadjusted_splits(price, price, price, np.zeros(100)).tolist() == [50]
