"""`marketcast infer` on the shipped data: BulkInferrer's forecasts are the served ones, to the bit."""

from __future__ import annotations

import json
import pathlib
import shutil

import pandas as pd
import pytest

from components import contract
from tests.conftest import ROOT, run_marketcast

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def inferred(pipeline_run):
    """What `infer --json` told, after it ran twice in the folder of the pushed model."""
    for _ in range(2):
        ended = run_marketcast(pipeline_run.folder, "infer", "--out", "inferred.parquet", "--json")
        assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_it_tells_what_it_made(inferred, pipeline_run):
    assert (inferred["exit_code"], inferred["outcome"], inferred["error"]) == (0, "forecast", None)
    assert (inferred["rows"], inferred["tickers"], list(inferred["skipped"])) == (140, 4, ["FB"])
    assert inferred["paths"]["forecasts"] == "inferred.parquet"
    assert pathlib.Path(pipeline_run.folder, inferred["paths"]["log"]).is_file()


def test_a_second_run_infers_nothing_anew_but_writes(inferred):
    reused = {one["name"]: one["reused"] for one in inferred["components"]}
    assert reused == {
        "LatestBarsGen": True,
        "ChampionResolver": True,
        "BulkInferrer": True,
        "ForecastWriter": False,
    }


def test_the_forecasts_are_the_served_ones(inferred, pipeline_run):
    ended = run_marketcast(pipeline_run.folder, "forecast", "--all", "--out", "served.parquet")
    assert ended.returncode == 0, ended.stderr
    by_inference, served = (
        pd.read_parquet(pipeline_run.folder / name) for name in ("inferred.parquet", "served.parquet")
    )
    pd.testing.assert_frame_equal(by_inference, served)
    assert set(by_inference[contract.MODEL_VERSION]) == {inferred["model_version"]}


def test_the_compiled_pipeline_gives_the_same_under_kubeflows_contract(inferred, pipeline_run, tmp_path):
    compiled = run_marketcast(tmp_path, "compile", "--pipeline", "forecasts", "-o", "forecasts.yaml")
    assert compiled.returncode == 0, compiled.stderr
    volume = tmp_path / "volume"
    shutil.copytree(pipeline_run.folder / "models", volume)
    flags = ["--volume", f"marketcast-models={volume}", "--workdir", str(ROOT), "--json"]
    ended = run_marketcast(tmp_path, "rehearse", "forecasts.yaml", *flags)
    assert ended.returncode == 0, ended.stderr
    assert [task["state"] for task in json.loads(ended.stdout)["tasks"]] == ["SUCCEEDED"] * 4
    written = pd.read_parquet(volume / "forecasts.parquet")
    pd.testing.assert_frame_equal(written, pd.read_parquet(pipeline_run.folder / "inferred.parquet"))


@pytest.mark.parametrize(
    ("flags", "exit_code", "message"),
    [
        (["--out", "f.xls"], 4, "error: a file of forecasts must end in .parquet or .csv, got f.xls"),
        (["--out", "f.csv", "--data", "none"], 4, "error: source.path must lead to files"),
        (["--out", "f.csv", "--as-of", "soon"], 4, "soon"),
        (["--out", "f.csv"], 5, "error: the model base path must hold a pushed model, got none"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_line(flags, exit_code, message, tmp_path):
    ended = run_marketcast(tmp_path, "infer", *flags)
    assert ended.returncode == exit_code, ended.stderr
    told = [line for line in (ended.stdout + ended.stderr).splitlines() if line.startswith("error: ")]
    assert len(told) == 1
    assert message in told[0]
    assert "Traceback" not in ended.stdout + ended.stderr
    assert not (tmp_path / "f.csv").exists()
