"""`marketcast backtest` as its user sees it: results, a table, an interruption, refusals."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import time

import pyarrow.compute as pc
import pytest

from components import contract
from components.backtest import results
from tests.conftest import MARKETCAST, ROOT, run_marketcast

pytestmark = pytest.mark.e2e

SETTINGS = (
    "--set", "backtest.first_origin=2009-01-01", "--set", "backtest.fold_years=2",
    "--set", "backtest.models=[marketcast, ewma_empirical]", "--set", "train.steps=4",
    "--set", "train.warmup_steps=1", "--set", "train.validation_every=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory) -> pathlib.Path:
    """A backtest that got SIGINT when its first file was there."""
    folder = tmp_path_factory.mktemp("backtest")
    (folder / "data").symlink_to(ROOT / "data")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*MARKETCAST, "backtest", *SETTINGS]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 300
        while not list(folder.glob("run/backtest/*/*.parquet")) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert "interrupted; what is finished is kept, the same command goes on from there" in told
    return folder


def test_an_interrupted_backtest_goes_on(interrupted):
    kept = {path: path.stat().st_mtime_ns for path in interrupted.glob("run/backtest/*/*.parquet")}
    ended = run_marketcast(interrupted, "backtest", *SETTINGS, "--json")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    crises = {fold["name"]: fold["crises"] for fold in report["folds"]}
    assert crises == {"2009-01-01": ["financial crisis"], "2011-01-01": [], "2013-01-01": []}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    first = {row["model"]: row for row in report["verdict"] if row["horizon"] == 1}
    assert set(first) == {contract.MODEL_NAME, "ewma_empirical"}
    rival = first["ewma_empirical"]
    skill = rival["skill"]
    assert -0.05 < skill["low"] < skill["skill"] < skill["high"] < 0.05
    assert 0.8 < rival["bands"][0]["share"] < 0.97 and first[contract.MODEL_NAME]["skill"] is None
    table = results.read_results(interrupted / "run/backtest")
    assert rival["num_forecasts"] == table.num_rows // 10 + 4 * 2, "each of 4 tickers lacks 1 to 5 last days"
    assert "skill against" in ended.stderr and "6 fits to do" not in ended.stderr


def test_results_of_other_settings_are_refused(interrupted):
    before = sorted(interrupted.glob("run/backtest/**/*"))
    ended = run_marketcast(interrupted, "backtest", *SETTINGS, "--set", "train.steps=5")
    assert ended.returncode == 4
    assert "run/backtest must hold results of the same backtest, got some of other train" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr
    assert sorted(interrupted.glob("run/backtest/**/*")) == before


def test_a_model_that_nobody_knows(tmp_path):
    ended = run_marketcast(tmp_path, "backtest", "--set", "backtest.models=[arima]")
    assert ended.returncode == 4
    assert "error: backtest.models must name some of marketcast" in ended.stdout
    assert not (tmp_path / "run").exists()


def test_as_a_step_of_kubeflow(interrupted, tmp_path):
    """The compiled package as KFP's launcher runs it: the same forecasts, and a page that its UI shows."""
    compiled = run_marketcast(tmp_path, "compile", "--pipeline", "backtest", *SETTINGS)
    assert compiled.returncode == 0, compiled.stderr
    ended = run_marketcast(tmp_path, "rehearse", "pipeline.yaml", "--json")
    assert ended.returncode == 0, ended.stderr
    (report,) = tmp_path.glob("run/rehearsal/*/store/**/report")
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    folder = next(path.parent for path in tmp_path.glob("run/rehearsal/*/store/**/backtest.json"))
    made, expected = results.read_results(folder), results.read_results(interrupted / "run/backtest")
    assert made.num_rows == expected.num_rows
    assert made.filter(pc.equal(made[results.MODEL], "ewma_empirical")) == expected.filter(
        pc.equal(expected[results.MODEL], "ewma_empirical")
    )
    figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    assert figures["span"]["num_forecasts"] == made.num_rows
