"""LatestBarsGen: one example of each ticker, as the model's `serving_default` takes it."""

from __future__ import annotations

import dataclasses
import pathlib

import pytest

from components import contract
from components.errors import ConfigError, InputError
from components.ingest.bars import ValidationConfig, day_number
from components.ingest.findings import QUARANTINE
from components.ingest.source_config import SourceConfig
from serving.bars import take_latest_bars
from tests.beam_arguments import BEAM_ARGUMENTS
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf
NUM_DAYS = 300


@pytest.fixture
def frame():
    return make_frame(3, NUM_DAYS)


@pytest.fixture
def run(tmp_path, frame):
    """Runs the executor on the frame; its examples by ticker, its report, and its example files."""
    import tensorflow as tf
    from tfx.types import standard_artifacts

    from components.infer.latest_component import LatestBarsGen, UniverseReportArtifact
    from components.infer.latest_executor import Executor
    from components.infer.universe_report import REPORT_FILE, UniverseReport

    def run_once(validation=None, **given):
        frame.to_csv(tmp_path / "bars.csv", index=False)
        source = SourceConfig(str(tmp_path / "bars.csv"), metadata_path="")
        component = LatestBarsGen(source, validation or ValidationConfig(), **given)
        examples, report = standard_artifacts.Examples(), UniverseReportArtifact()
        examples.uri, report.uri = str(tmp_path / "examples"), str(tmp_path / "report")
        Executor(Executor.Context(beam_pipeline_args=list(BEAM_ARGUMENTS))).Do(
            {}, {"examples": [examples], "report": [report]}, component.exec_properties
        )
        files = sorted(map(str, pathlib.Path(examples.uri, "Split-latest").iterdir()))
        records = tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
        parsed = [tf.train.Example.FromString(record) for record in records]
        found = {one.features.feature[contract.TICKER].bytes_list.value[0].decode(): one for one in parsed}
        told = pathlib.Path(report.uri, REPORT_FILE).read_text()
        return found, UniverseReport.from_json(told), files

    return run_once


def test_the_examples_are_what_a_client_would_send(run, frame):
    found, report, files = run(num_shards=2)
    latest = take_latest_bars(frame)
    assert tuple(sorted(found)) == latest.tickers
    for index, ticker in enumerate(latest.tickers):
        for name in contract.BAR_COLUMNS:
            sent = found[ticker].features.feature[name].float_list.value
            assert list(sent) == latest.columns[name][index].tolist()
    assert report.skipped == {}
    assert set(report.as_of.values()) == {day_number(frame[contract.DATE].max())}
    assert len(files) == 2


def test_later_bars_are_not_seen(run, frame):
    day = sorted(frame[contract.DATE].unique())[270]
    found, report, _ = run(as_of=day)
    assert set(report.as_of.values()) == {day_number(day)}
    assert {one.features.feature[contract.DATE].int64_list.value[0] for one in found.values()} == {
        day_number(day)
    }


def test_who_is_set_aside_is_in_the_report(run, frame):
    days = sorted(frame[contract.DATE].unique())
    frame.drop(
        frame[(frame[contract.TICKER] == "S001") & (frame[contract.DATE] < days[60])].index, inplace=True
    )
    frame.loc[(frame[contract.TICKER] == "S002"), contract.CLOSE] = -1.0
    lenient = dataclasses.replace(ValidationConfig(), bad_price=QUARANTINE)
    found, report, _ = run(lenient)
    assert list(found) == ["S000"]
    assert "must have at least 261 bars of a ticker, got 240 of S001" in report.skipped["S001"]


def test_refusals_write_nothing(run, frame, tmp_path):
    frame.loc[frame.index[-1], contract.CLOSE] = -1.0
    with pytest.raises(InputError, match=r"line 901, column close: must be positive and finite"):
        run()
    assert not (tmp_path / "report").exists()
    assert not list((tmp_path / "examples").iterdir())


def test_nobody_left_is_refused(run):
    with pytest.raises(InputError, match="must leave at least one ticker to forecast, got 0 tickers"):
        run(as_of="1999-01-01")


def test_a_day_that_is_none_is_refused(run):
    with pytest.raises(ConfigError, match="as_of must be a day as YYYY-MM-DD, got 'soon'"):
        run(as_of="soon")


def test_what_a_run_is_given_is_refused_in_one_line():
    from components.infer.latest_component import LatestBarsGen
    from components.infer.latest_executor import read_config

    properties = LatestBarsGen(SourceConfig("lake", ""), ValidationConfig()).exec_properties
    with pytest.raises(ConfigError, match=r"source\.known_on must be a day as 'YYYY-MM-DD', got 'soon'"):
        read_config({**properties, contract.KNOWN_ON_PARAMETER: "soon"})


def test_bars_that_changed_meanwhile_are_refused(run):
    with pytest.raises(InputError, match="must stay as it was when the run started"):
        run(input_fingerprint="another")
