"""The proof: a later revision of a past price changes nothing in a run dated before it."""

from __future__ import annotations

import dataclasses
import pathlib

import pandas as pd
import pytest

from components import contract
from components.ingest.source_config import SourceConfig
from tests.components.ingest.shipped import SHIPPED_SOURCE
from tests.components.lake.lakes import take_in

pytestmark = pytest.mark.tf

KNOWN_ON = "2013-03-01"
LATER = "2013-03-04"


def test_a_revision_changes_no_byte_of_a_run_dated_before_it(tmp_path: pathlib.Path) -> None:
    from tests.components.ingest import ingest_run

    lake = tmp_path / "lake"
    take_in(lake, write_bars(tmp_path / "bars.csv", read_shipped()), known_on=KNOWN_ON)
    dated = dataclasses.replace(SHIPPED_SOURCE, path=str(lake), known_on=KNOWN_ON)
    fingerprint = ingest_run.BarsExampleGen.fingerprint(dated)
    before = ingest_run.run_ingest(tmp_path / "before", dated, fingerprint=fingerprint).files()
    take_in(
        lake,
        write_bars(tmp_path / "revision.csv", revise(read_shipped())),
        known_on=LATER,
        is_correction=True,
    )

    assert ingest_run.BarsExampleGen.fingerprint(dated) == fingerprint, "the cache may answer"
    after = ingest_run.run_ingest(tmp_path / "after", dated, fingerprint=fingerprint).files()
    assert after == before and any(name.startswith("examples/Split-train") for name in after)

    newest = dataclasses.replace(dated, known_on="")
    assert ingest_run.BarsExampleGen.fingerprint(newest) != fingerprint
    revised = ingest_run.run_ingest(tmp_path / "newest", newest).files()
    assert {name for name in before if before[name] != revised[name]} >= {
        f"examples/Split-{split}/data_tfrecord-00000-of-00001.gz" for split in ("train", "test")
    }, "who asks for no day gets the revision"


def read_shipped() -> pd.DataFrame:
    """Two tickers of the shipped bars."""
    bars = pd.read_csv(SHIPPED_SOURCE.path)
    return bars[bars["ticker"].isin(["AAPL", "IBM"])]


def revise(bars: pd.DataFrame) -> pd.DataFrame:
    """Other prices of IBM in 2003 and in 2012, and a day more of everyone."""
    changed = bars[(bars["ticker"] == "IBM") & bars["date"].isin(["2003-05-06", "2012-05-07"])]
    last = bars[bars["date"] == KNOWN_ON].assign(date=LATER)
    return pd.concat([changed.assign(adj_close=changed["adj_close"] * 1.01), last])


def write_bars(path: pathlib.Path, bars: pd.DataFrame) -> str:
    bars.to_csv(path, index=False)
    return str(path)


def test_the_components_hand_the_day_on() -> None:
    """Each that reads bars by itself gets the day among its execution properties; a run's goes before."""
    from components.backtest.component import Backtest
    from components.backtest.executor import read_settings as read_backtest_settings
    from components.infer.latest_component import LatestBarsGen
    from components.infer.latest_executor import read_config as read_latest_config
    from components.ingest.component import BarsExampleGen
    from components.ingest.executor import read_config
    from components.tune.component import Tuner
    from components.tune.executor import read_settings as read_tune_settings
    from pipeline.config import load_config

    config = load_config(
        "",
        [
            "source.known_on='2013-03-01'",
            "source.path=lake",
            "source.columns={close: c}",
            "chunks.num_shards=1",
        ],
    )
    expected = SourceConfig("lake", config.source.metadata_path, {"close": "c"}, known_on=KNOWN_ON)
    ingest = BarsExampleGen(config.source, config.validation, config.chunks)
    latest = LatestBarsGen(config.source, config.validation, num_shards=1)
    assert read_config(ingest.exec_properties).source == expected
    assert read_latest_config(latest.exec_properties).source == expected.without_sectors()
    backtest = Backtest(config.backtest_settings)
    assert read_backtest_settings(backtest.exec_properties).source == expected
    tuner = Tuner(config.tune_settings)
    assert read_tune_settings(tuner.exec_properties).source == expected

    given = {contract.KNOWN_ON_PARAMETER: LATER}
    later = dataclasses.replace(expected, known_on=LATER)
    assert read_config({**ingest.exec_properties, **given}).source == later
    assert read_latest_config({**latest.exec_properties, **given}).source == later.without_sectors()
    assert read_backtest_settings({**backtest.exec_properties, **given}).source == later
    assert read_tune_settings({**tuner.exec_properties, **given}).source == later
