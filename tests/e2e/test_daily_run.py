"""A day comes to a lake, and the next run works through what is new alone."""

from __future__ import annotations

import json
import pathlib

import pandas as pd
import pytest

from components import contract
from tests.conftest import ROOT, run_marketcast

pytestmark = pytest.mark.e2e

LAST_DAY = "2013-03-01"
SETTINGS = {
    "source.path": "lake",
    "train.steps": 4,
    "train.warmup_steps": 1,
    "train.validation_every": 2,
    "gate.min_skill_ewma": 0.0,
    "gate.min_dm_t": 0.0,
    "gate.min_skill_historical": 0.0,
}
FLAGS = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]


def add_bars(folder: pathlib.Path, bars: pd.DataFrame) -> None:
    bars.to_csv(folder / "bars.csv", index=False)
    done = run_marketcast(folder, "ingest", "--lake", "lake", "--set", "source.path=bars.csv")
    assert done.returncode == 0, done.stderr


def run(folder: pathlib.Path):
    """What a run tells, its components by name."""
    ended = run_marketcast(folder, "run", "--json", *FLAGS)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    return report, {component["name"]: component for component in report["components"]}


@pytest.fixture(name="runs", scope="module")
def fixture_runs(tmp_path_factory):
    """The run before the last day came, and the one after."""
    folder = tmp_path_factory.mktemp("daily")
    bars = pd.read_csv(ROOT / "data/raw/stock_prices.csv", dtype=str)
    is_new = bars[contract.DATE] >= LAST_DAY
    add_bars(folder, bars[~is_new])
    first = run(folder)
    add_bars(folder, bars[is_new])
    return folder, first, run(folder)


def test_what_the_new_day_does_not_touch_is_reused(runs):
    _, (_, first), (_, second) = runs
    assert not [name for name, component in first.items() if component["reused"]]
    reused = {name for name, component in second.items() if component["reused"]}
    assert reused == {"SchemaGen", "Transform", "Trainer", "Rehearsal"}
    assert second["BarsExampleGen"]["result"].endswith("days before 2011-01-01 reused")


def test_the_same_model_is_judged_on_the_new_day_too(runs):
    folder, (first, _), (second, _) = runs
    reports = sorted((folder / "run/pipeline/BarsExampleGen/report").glob("*/ingest_report.json"))
    days = [json.loads(report.read_text())["last_date"] for report in reports]
    assert days[0] < days[1] == LAST_DAY
    before, after = (report["metrics"]["candidate"]["pinball_h1"] for report in (first, second))
    assert before != after == pytest.approx(before, rel=0.01)
    assert second["paths"]["model"] == first["paths"]["model"], "the same model is not pushed twice"
