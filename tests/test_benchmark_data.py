"""The bars of the benchmark set: sound for the ingest as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.sp500 import make_bars
from components.ingest.bars import ValidationConfig
from components.ingest.panel import read_panel
from components.ingest.source_config import SourceConfig
from pipeline.config import load_config


def test_closes_become_bars_that_the_ingest_takes(tmp_path):
    days = pd.bdate_range("2001-01-01", periods=300, name="Date")
    closes = pd.DataFrame(
        {"AAA": np.linspace(10.0, 12.0, 300), "LATE": np.linspace(5.0, 6.0, 300)}, index=days
    )
    closes.loc[days[:10], "LATE"] = np.nan
    make_bars(closes).to_parquet(tmp_path / "bars.parquet", index=False)
    panel = read_panel(SourceConfig(str(tmp_path / "bars.parquet"), ""), ValidationConfig())
    assert {ticker: len(bars) for ticker, bars in panel.bars.items()} == {"AAA": 300, "LATE": 290}
    late = panel.bars["LATE"]
    np.testing.assert_array_equal(late.adj_close, closes["LATE"].dropna())
    assert (late.high == late.low).all() and not late.volume.any() and not panel.findings


def test_the_configuration_of_the_benchmark_is_valid():
    config = load_config("benchmarks/sp500.yaml")
    assert config.backtest.first_origin == "2008-01-01"
    assert "AAPL 2000-09-29" in config.validation.accepted_jumps
