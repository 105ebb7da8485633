"""`marketcast tune` as its user sees it: a table, a file to go on with, an interruption, refusals."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
import yaml

from tests.conftest import MARKETCAST, ROOT, run_marketcast

pytestmark = pytest.mark.e2e

SETTINGS = (
    "--set", "tune.space={model.units: [2, 3], model.layers: [1]}", "--set", "tune.trials=2",
    "--set", "tune.folds=1", "--set", "train.steps=4", "--set", "train.warmup_steps=1",
    "--set", "train.validation_every=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory) -> pathlib.Path:
    """A search that got SIGINT when its first score was there."""
    folder = tmp_path_factory.mktemp("tune")
    (folder / "data").symlink_to(ROOT / "data")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [*MARKETCAST, "tune", *SETTINGS]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 300
        while not (folder / "run/tune/configured.json").exists() and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert "interrupted; what is finished is kept, the same command goes on from there" in told
    assert not (folder / "run/tune/best.yaml").exists()
    return folder


def test_an_interrupted_search_goes_on(interrupted):
    kept = (interrupted / "run/tune/configured.json").stat().st_mtime_ns
    ended = run_marketcast(interrupted, "tune", *SETTINGS, "--json")
    assert ended.returncode == 0, ended.stderr
    assert (interrupted / "run/tune/configured.json").stat().st_mtime_ns == kept
    report = json.loads(ended.stdout)
    assert sorted(trial["values"]["model.units"] for trial in report["trials"]) == [2, 3]
    assert report["configured"]["values"] == {"model.units": 50, "model.layers": 2}
    losses = [report["configured"]["pinball"], *(trial["pinball"] for trial in report["trials"])]
    assert report["best"]["pinball"] == min(losses) and 0.0 < min(losses) < max(losses) < 0.1
    assert "(configured)" in ended.stderr
    best = yaml.safe_load((interrupted / "run/tune/best.yaml").read_text())
    assert best["model"]["units"] == report["best"]["values"]["model.units"]
    written = json.loads((interrupted / "run/tune/best_hyperparameters.txt").read_text())
    assert written["values"] == report["best"]["values"]


def test_another_search_does_not_mix_with_it(interrupted):
    ended = run_marketcast(interrupted, "tune", *SETTINGS, "--set", "train.steps=5")
    assert ended.returncode == 4
    assert "run/tune must hold results of the same search, got some of other train" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_a_key_that_cannot_be_searched(tmp_path):
    ended = run_marketcast(tmp_path, "tune", "--set", "tune.space={model.width: [1]}")
    assert ended.returncode == 4
    assert "error: tune.space must name keys among model.units" in ended.stdout
    assert not (tmp_path / "run").exists()
