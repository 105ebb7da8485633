"""The benchmark's universes: seeded, sound, of both layouts, and as restless as markets."""

from __future__ import annotations

import pathlib

import numpy as np
import pandas as pd
import pytest

from benchmarks import synthetic_bars
from components.ingest.bars import ValidationConfig
from components.ingest.panel import read_panel
from components.ingest.source_config import SourceConfig


def _simulate(by_days: bool, seed: int = 3) -> pd.DataFrame:
    tables = synthetic_bars.simulate_tables(7, 600, seed, by_days)
    return pd.concat([table.to_pandas() for table in tables], ignore_index=True)


@pytest.mark.parametrize("by_days", [False, True], ids=["by tickers", "by days"])
def test_every_ticker_has_every_day_in_several_files(by_days: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic_bars, "FILE_BARS", 1300)
    tables = list(synthetic_bars.simulate_tables(7, 600, 3, by_days))
    assert len(tables) == 4
    whole = pd.concat([table.to_pandas() for table in tables])
    assert len(whole) == len(whole.drop_duplicates(["ticker", "date"])) == 7 * 600
    by_file = [table.to_pandas()["ticker"].nunique() for table in tables]
    assert by_file == ([7] * 4 if by_days else [2, 2, 2, 1])


@pytest.mark.parametrize("by_days", [False, True], ids=["by tickers", "by days"])
def test_the_same_seed_gives_the_same_bars(by_days: bool) -> None:
    pd.testing.assert_frame_equal(_simulate(by_days), _simulate(by_days))
    assert not _simulate(by_days).equals(_simulate(by_days, seed=4))


def test_the_strictest_policies_find_nothing(tmp_path: pathlib.Path) -> None:
    synthetic_bars.write_universe(tmp_path / "bars", synthetic_bars.simulate_tables(7, 600, 3, False))
    panel = read_panel(
        SourceConfig(str(tmp_path / "bars"), ""),
        ValidationConfig(outside_range="refuse", range_tolerance=0.0),
    )
    assert sorted(map(len, panel.bars.values())) == [600] * 7


def test_days_go_on_from_file_to_file_and_volatility_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic_bars, "FILE_BARS", 7 * 50)
    table = pd.concat([t.to_pandas() for t in synthetic_bars.simulate_tables(7, 3000, 3, by_days=True)])
    closes = table.pivot(index="date", columns="ticker", values="close").to_numpy()
    returns = np.diff(np.log(closes), axis=0)
    assert returns.std() < 0.03
    squares = returns**2 - (returns**2).mean(axis=0)
    correlation = (squares[1:] * squares[:-1]).mean() / squares.var()
    assert correlation > 0.05
