"""One full run on the shipped data through the command, and what it left behind."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

from components import contract
from tests.conftest import run_marketcast

pytestmark = pytest.mark.e2e

COMPONENTS = [
    "BarsExampleGen",
    "ChampionResolver",
    "SchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "Transform",
    "Trainer",
    "LeakageAudit",
    "Evaluator",
    "Rehearsal",
    "Pusher",
]


@pytest.fixture(scope="module")
def pushed(pipeline_run) -> pathlib.Path:
    """Folder of the pushed version."""
    assert pipeline_run.exit_code == 0, pipeline_run.screen
    return pipeline_run.folder / pipeline_run.report["paths"]["model"]


def test_the_model_is_blessed_and_beats_the_baselines(pipeline_run):
    assert pipeline_run.exit_code == 0, pipeline_run.screen
    verdict, figures = pipeline_run.report["verdict"], pipeline_run.report["metrics"]["candidate"]
    assert verdict["blessed"]
    assert all(check["passed"] for check in verdict["checks"])
    assert figures["skill_ewma_h1"] >= 0.007
    assert figures["dm_t_ewma_h1"] >= 2.0
    assert 0.86 <= figures["coverage_90_h1"] <= 0.93
    assert all(figures[f"skill_ewma_h{horizon}"] > 0.0 for horizon in contract.HORIZONS)


def test_the_screen_has_a_line_for_each_component_and_the_verdict(pipeline_run):
    lines = pipeline_run.screen.splitlines()
    for name in COMPONENTS:
        assert any(line.strip().startswith(name) for line in lines), name
    assert any("196 quarantined (FB: 196 bars)" in line for line in lines)
    assert any(line.startswith("blessed and pushed: ") for line in lines)
    assert "WARNING" not in pipeline_run.screen and "tensorflow/" not in pipeline_run.screen


def test_the_pushed_version_is_whole_and_carries_its_record(pushed):
    from components.push.publish import verify_manifest

    assert verify_manifest(str(pushed)) == []
    extra = pushed / contract.ASSETS_EXTRA
    assert (extra / contract.WARMUP_FILE).stat().st_size > 0
    record = json.loads((extra / contract.RECORD_FILE).read_text())
    assert record["versions"]["tfx"]
    assert record["train"]["seed"] == 1
    assert "skill_ewma_h1" in json.dumps(record)


def test_the_served_forecast_is_the_saved_models(pipeline_run, pushed):
    """Over a real socket, and beside the same SavedModel called in this process."""
    import pandas as pd
    import tensorflow as tf

    from serving.client import ForecastClient
    from serving.embedded import start_server

    frame = pd.read_csv(pipeline_run.folder / "data/raw/stock_prices.csv")
    bars = frame[frame[contract.TICKER].isin(["AAPL", "IBM"])]
    with start_server(str(pushed.parent)) as address, ForecastClient(address) as client:
        answer = client.forecast(bars)
    latest = bars.groupby(contract.TICKER).tail(contract.LOOKBACK)
    columns = {
        name: tf.constant(
            np.stack([rows[name].to_numpy(np.float32) for _, rows in latest.groupby(contract.TICKER)])
        )
        for name in contract.BAR_COLUMNS
    }
    signature = tf.saved_model.load(str(pushed)).signatures[contract.FORECAST_SIGNATURE]
    expected = signature(ticker=tf.constant(["AAPL", "IBM"]), **columns)
    np.testing.assert_array_equal(answer.price_quantiles, expected[contract.PRICE_QUANTILES].numpy())
    assert (np.diff(answer.price_quantiles, axis=-1) > 0).all()


def test_the_trained_model_does_not_look_ahead(pipeline_run, pushed):
    import tensorflow as tf

    from tests.components.train.test_honesty import ask_evaluate, assert_causal

    [examples] = sorted((pipeline_run.folder / "run/pipeline/BarsExampleGen/examples").iterdir())
    paths = [str(path) for path in sorted((examples / "Split-test").iterdir())]
    signatures = tf.saved_model.load(str(pushed)).signatures
    for record in tf.data.TFRecordDataset(paths, compression_type="GZIP").as_numpy_iterator():
        chunk = tf.train.Example.FromString(record)
        assert_causal(lambda example: ask_evaluate(signatures, example), chunk, day=250)


def test_a_forecast_is_printed_as_a_table_and_as_json(pipeline_run, pushed):
    table = run_marketcast(pipeline_run.folder, "forecast", "--ticker", "AAPL")
    assert table.returncode == 0, table.stderr
    assert "AAPL" in table.stdout and "2013-03-01" in table.stdout
    assert "Traceback" not in table.stderr
    answer = run_marketcast(pipeline_run.folder, "forecast", "--ticker", "AAPL", "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)


def test_a_second_run_reuses_what_did_not_change(pipeline_run, pushed):
    again = run_marketcast(pipeline_run.folder, "run", "--json")
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    ran = {component["name"] for component in report["components"] if not component["reused"]}
    assert ran <= {"ChampionResolver", "Evaluator", "Pusher"}, (
        "only what asks for the model in service may run"
    )
    assert [path.name for path in pushed.parent.iterdir() if path.name.isdigit()] == [pushed.name]


def test_a_refused_model_ends_with_3_and_is_not_pushed(pipeline_run, pushed):
    refused = run_marketcast(pipeline_run.folder, "run", "--json", "--set", "gate.min_skill_ewma=0.039")
    assert refused.returncode == 3, refused.stderr
    assert "must be >= 3.90 %" in refused.stderr
    assert [path.name for path in pushed.parent.iterdir() if path.name.isdigit()] == [pushed.name]
