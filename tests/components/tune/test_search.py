"""The search over real folds with a tiny network: no test day is read, and a stop loses nothing."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from components import contract
from components.backtest.classical import EwmaEmpirical
from components.backtest.folds import take_forecast, take_train
from components.errors import InputError
from components.evaluate import baselines
from components.evaluate.metrics import pinball
from components.ingest.bars import ValidationConfig, day_number
from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import SourceConfig
from components.train.config import ModelConfig, TrainConfig
from components.tune import search
from components.tune.config import TuneConfig, TuneSettings
from components.tune.objective import make_objective
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after

pytestmark = pytest.mark.tf
TEST_START = "2004-01-01"
TUNE = TuneConfig(trials=3, parallel=2, folds=1, space={"model.units": (2, 3, 4), "model.layers": (1,)})
SETTINGS = TuneSettings(
    SourceConfig(),
    ValidationConfig(),
    ChunkConfig(chunk_days=250, eval_start="2003-01-01", test_start=TEST_START),
    ModelConfig(units=2, layers=1),
    TrainConfig(steps=4, warmup_steps=1, batch_crops=2, crop_days=16, validation_every=2),
    TUNE,
)
BARS = {name: make_bars(draw_returns(1500, seed), name) for seed, name in enumerate(("AAA", "BBB"))}


@pytest.fixture(name="objective", scope="module")
def fixture_objective():
    return make_objective(BARS, SETTINGS)


@pytest.fixture(name="found", scope="module")
def fixture_found(objective, tmp_path_factory):
    return search.search(objective, TUNE, tmp_path_factory.mktemp("trials"))


def test_a_test_day_changes_no_score(objective):
    (fold,) = objective.folds
    assert (fold.name, fold.stop) == ("2003-01-01", day_number(TEST_START))
    changed = {}
    for ticker, own in BARS.items():
        last = int(np.searchsorted(own.dates, day_number(TEST_START))) - 1
        changed[ticker] = replace_after(own, last)
        assert (changed[ticker].adj_close != own.adj_close)[last + 1 :].all()
    assert make_objective(changed, SETTINGS).score({}) == objective.score({})
    earlier = {ticker: replace_after(own, last - 3) for ticker, own in BARS.items()}
    assert make_objective(earlier, SETTINGS).score({}) != objective.score({})


def test_the_score_is_the_mean_pinball_loss_of_the_fold(objective, monkeypatch):
    """Of a model whose forecasts are known, by hand."""
    monkeypatch.setattr("components.tune.objective.Network", lambda *_: EwmaEmpirical())
    (fold,) = objective.folds
    fitted = EwmaEmpirical().fit(take_train(objective.bars, fold))
    losses = []
    for own in objective.bars.values():
        known, first = take_forecast(own, fold)
        quantiles, log_price = fitted.forecast(known, first), np.log(known.adj_close)
        for day in range(first, len(known)):
            for number, horizon in enumerate(contract.HORIZONS):
                if day + horizon < len(known):
                    actual = log_price[day + horizon] - log_price[day]
                    row = quantiles[day - first, number]
                    losses.append(pinball(np.array([actual]), row[np.newaxis], baselines.LEVELS).mean())
    assert objective.score({}) == pytest.approx(np.mean(losses), rel=1e-12)


def test_every_choice_is_scored_by_itself(found, objective):
    assert sorted(trial.values["model.units"] for trial in found.trials) == [2, 3, 4]
    assert [t.pinball for t in found.trials] == sorted(t.pinball for t in found.trials)
    assert found.configured.values == {"model.units": 2, "model.layers": 1}
    for trial in (found.configured, *found.trials):
        assert objective.score(trial.values) == pytest.approx(trial.pinball, rel=1e-5)
    assert found.hyperparameters["values"] == dict(found.best.values)


def test_a_search_goes_on_where_it_was_stopped(found, objective, tmp_path, monkeypatch):
    """What came to an end is not computed again; and one process tries what two tried."""
    single = dataclasses.replace(TUNE, parallel=1)
    scored = []

    def report(_label, done, _total):
        scored.append(done)
        if len(scored) == 1:
            raise InterruptedError

    monkeypatch.setattr("components.progress.report", report)
    with pytest.raises(InterruptedError):
        search.search(objective, single, tmp_path)
    configured = (tmp_path / search.CONFIGURED_FILE).stat().st_mtime_ns
    whole = search.search(objective, single, tmp_path)
    assert scored == [1, 2, 3]
    tried, expected = ({frozenset(t.values.items()) for t in own.trials} for own in (whole, found))
    assert tried == expected
    assert (tmp_path / search.CONFIGURED_FILE).stat().st_mtime_ns == configured


def test_the_configuration_stays_where_no_trial_is_better():
    worse = search.Trial({"model.units": 3}, 0.2)
    found = search.Found(search.Trial({"model.units": 2}, 0.2), (worse,), {})
    assert found.best is found.configured


def test_a_trial_that_cannot_be_scored_ends_the_search(objective, tmp_path):
    broken = dataclasses.replace(objective, bars={})
    with pytest.raises(ValueError, match="empty"):
        search.search(broken, TUNE, tmp_path)


def test_the_best_is_written_as_the_trainer_reads_it(found, tmp_path):
    path = search.write_hyperparameters(found, tmp_path)
    assert json.loads(path.read_text())["values"] == dict(found.best.values)


def test_too_few_days_before_the_test_days():
    short = {"AAA": make_bars(draw_returns(200), "AAA", "2003-08-01")}
    with pytest.raises(InputError, match="a ticker must have more than"):
        make_objective(short, SETTINGS)
