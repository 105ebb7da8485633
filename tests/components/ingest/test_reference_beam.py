"""Corporate actions and gaps in the Beam graph: the same as in one process, and told in the report."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pandas as pd
import pytest

from components import contract
from components.errors import InputError
from components.ingest.bars import ValidationConfig, day_number
from components.ingest.chunks import ChunkConfig
from components.ingest.panel import read_panel
from components.ingest.report import describe
from components.ingest.source_config import SourceConfig
from tests.components.ingest.shipped import SHIPPED_SOURCE

pytestmark = pytest.mark.tf

ACTIONS = (
    "ticker,date,kind,value,known_on",
    "AAPL,2000-06-21,split,2,",
    "AAPL,2005-02-28,split,2,",
    "AAPL,2012-11-07,dividend,2.65,2012-12-20",
    "MSFT,2003-02-18,split,2,",
)
CHUNKS = ChunkConfig(as_of="2012-12-31")
NEW_YORK = ValidationConfig(calendar="XNYS")


@pytest.fixture(name="source")
def fixture_source(tmp_path: pathlib.Path) -> SourceConfig:
    """AAPL without three sessions and with a bar on a Saturday, MSFT without one session."""
    table = pd.read_csv(SHIPPED_SOURCE.path)
    table = table[table[contract.TICKER].isin(["AAPL", "MSFT"])]
    lost = {"AAPL": ["2001-09-10", "2001-09-17", "2012-11-20"], "MSFT": ["2012-11-20"]}
    for ticker, dates in lost.items():
        table = table[~((table[contract.TICKER] == ticker) & table[contract.DATE].isin(dates))]
    friday = table[(table[contract.TICKER] == "AAPL") & (table[contract.DATE] == "2012-11-23")]
    table = pd.concat([table, friday.assign(date="2012-11-24")])
    table.to_csv(tmp_path / "bars.csv", index=False)
    (tmp_path / "actions.csv").write_text("\n".join(ACTIONS) + "\n")
    return SourceConfig(
        str(tmp_path / "bars.csv"), "", {contract.ADJ_CLOSE: ""}, str(tmp_path / "actions.csv")
    )


def test_examples_and_report_are_those_of_one_process(tmp_path: pathlib.Path, source: SourceConfig) -> None:
    from tests.components.ingest import ingest_run

    written = ingest_run.run_ingest(tmp_path / "out", source, NEW_YORK, CHUNKS)
    panel = read_panel(source, NEW_YORK, CHUNKS.last_day)
    num_read = 0
    for split in contract.SPLITS:
        for example in written.read(split):
            feature = example.features.feature
            bars = panel.bars[feature[contract.TICKER].bytes_list.value[0].decode()]
            dates = np.asarray(feature[contract.DATE].int64_list.value)
            rows = np.searchsorted(bars.dates, dates)
            written_prices = np.asarray(feature[contract.ADJ_CLOSE].float_list.value, np.float32)
            assert bars.dates[rows].tolist() == dates.tolist()
            assert written_prices.tolist() == bars.adj_close[rows].astype(np.float32).tolist()
            num_read += len(dates)
    assert num_read > 6000
    report = json.loads((pathlib.Path(written.report.uri) / "ingest_report.json").read_text())
    longest = {"num_sessions": 2, "first_date": "2001-09-10", "last_date": "2001-09-17"}
    assert report["gaps"] == {
        "num_missing_sessions": 4, "num_gaps": 3, "longest": {"ticker": "AAPL", **longest}
    }  # fmt: skip
    apple = report["tickers"]["AAPL"]
    assert (apple["num_missing_sessions"], apple["num_gaps"], apple["longest_gap"]) == (3, 2, longest)
    assert report["quarantined_checks"] == {"no_session": 1}
    assert describe(report) == (
        "6,455 bars of 2 tickers, 1 quarantined (AAPL: 1 bars); 4 sessions missing in 3 gaps "
        "(longest AAPL: 2 from 2001-09-10)"
    )


def test_an_impossible_dividend_ends_the_run_in_one_line(
    tmp_path: pathlib.Path, source: SourceConfig
) -> None:
    from tests.components.ingest import ingest_run

    with open(source.actions_path, "a", encoding="utf-8") as stream:
        stream.write("MSFT,2004-11-15,dividend,300,\n")
    with pytest.raises(InputError, match=r"^\S+actions.csv, line 6, column value: a dividend must be less"):
        ingest_run.run_ingest(tmp_path / "out", source, NEW_YORK, CHUNKS)
    assert not list((tmp_path / "out" / "examples").glob("*"))


def test_settings_go_through_each_component(source: SourceConfig) -> None:
    """What a component writes down for its executor is what the executor reads."""
    from components.backtest import component as backtest
    from components.backtest import executor as backtest_executor
    from components.infer import latest_component, latest_executor
    from components.ingest import executor
    from components.ingest.component import BarsExampleGen
    from components.tune import component as tune
    from components.tune import executor as tune_executor
    from pipeline.config import load_config

    config = load_config(
        "",
        [
            f"source.path='{source.path}'",
            f"source.actions_path='{source.actions_path}'",
            "source.columns={adj_close: ''}",
            "validation.calendar=XNYS",
        ],
    )
    latest = latest_component.LatestBarsGen(config.source, config.validation)
    read = [
        executor.read_config(BarsExampleGen(config.source, config.validation, CHUNKS).exec_properties),
        latest_executor.read_config(latest.exec_properties),
        backtest_executor.read_settings(backtest.Backtest(config.backtest_settings).exec_properties),
        tune_executor.read_settings(tune.Tuner(config.tune_settings).exec_properties),
    ]
    for each in read:
        assert each.source.actions_path == source.actions_path
        assert each.source.columns == {contract.ADJ_CLOSE: ""}
        assert each.validation.calendar == "XNYS"
    assert day_number("2012-12-31") == read[0].reading.last_day
