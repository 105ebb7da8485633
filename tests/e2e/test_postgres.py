"""From an empty PostgreSQL to forecasts beside actuals in the views, through the command; then once more.

And the same run as Kubeflow writes it: by the last step of the compiled package.
"""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

from components.database.config import PASSWORD_VARIABLE
from tests.conftest import run_marketcast
from tests.e2e.published_rehearsal import LastStep
from tests.fixtures.postgres_server import PASSWORD

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

DATABASE = "walk"
KUBEFLOW_DATABASE = "walk_on_kubeflow"
QUICK = {
    "train.steps": 4,
    "train.warmup_steps": 1,
    "train.validation_every": 2,
    "gate.min_skill_ewma": 0.0,
    "gate.min_dm_t": 0.0,
    "gate.min_skill_historical": 0.0,
}
PUBLISHED = {
    "runs": "run_id",
    "verdict_checks": "run_id, title",
    "forecasts": "model_version, ticker, as_of, horizon",
}
"""Table of what a run writes -> its key."""
TABLES = ("bars", "companies", "runs", "verdict_checks", "forecasts")


@pytest.fixture(name="settings", scope="module")
def fixture_settings(postgres_server):
    """--set of an empty database and of a short training."""
    config = postgres_server.create_database(DATABASE, template="template1")
    return make_settings(config, "password_file")


def make_settings(config, *more_keys):
    """--set of a database and of a short training."""
    keys = ("host", "port", "name", "user", "sslrootcert", *more_keys)
    values = {f"database.{key}": getattr(config, key) for key in keys} | QUICK
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


@pytest.fixture(name="walk", scope="module")
def fixture_walk(settings, tmp_path_factory):
    """What the first run reported, in the folder where it ran."""
    folder = tmp_path_factory.mktemp("walk")
    for command in ("upgrade", "load", "roles"):
        done = run_marketcast(folder, "database", command, *settings)
        assert done.returncode == 0, done.stderr
    return folder, run(folder, settings)


def run(folder: pathlib.Path, settings: list[str]):
    ended = run_marketcast(folder, "run", "--source", "postgres", "--json", *settings)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout), ended.stderr


@pytest.fixture(name="ask")
def fixture_ask(postgres_server):
    return lambda statement: postgres_server.administer(statement, DATABASE)


def test_the_run_is_written_with_its_verdict(walk, ask):
    _, (report, screen) = walk
    assert report["database"]["rows"] == {"runs": 1, "verdict_checks": 12, "forecasts": 4 * 543 * 5}
    assert "196 quarantined (FB: 196 bars)" in screen
    [(run_id, outcome, last_bar)] = ask("SELECT run_id, outcome, last_bar::text FROM marketcast.runs")
    assert (run_id, outcome, last_bar) == (report["database"]["run_id"], "pushed", "2013-03-01")
    titles = [check["title"] for check in report["verdict"]["checks"]]
    assert ask("SELECT title, passed FROM marketcast.verdict_checks ORDER BY title") == [
        (title, True) for title in sorted(titles)
    ]


def test_the_views_agree_with_the_evaluator(walk, ask):
    _, (report, _) = walk
    figures = report["metrics"]["candidate"]
    sums = ask(
        "SELECT horizon, avg(loss), avg(baseline_loss), avg(inside_90::integer)::float "
        "FROM marketcast.forecast_beside_actual GROUP BY horizon ORDER BY horizon"
    )
    assert [row[0] for row in sums] == [1, 2, 3, 4, 5]
    for horizon, loss, baseline_loss, inside in sums:
        assert loss == pytest.approx(figures[f"pinball_h{horizon}"], rel=1e-6)
        assert baseline_loss == pytest.approx(figures[f"pinball_ewma_h{horizon}"], rel=1e-6)
        assert inside == pytest.approx(figures[f"coverage_90_h{horizon}"], abs=1e-3)
    months = ask("SELECT count(DISTINCT month), count(DISTINCT ticker) FROM marketcast.skill_by_ticker_month")
    assert months == [(26, 4)]


def test_the_latest_forecast_is_what_the_served_model_answers(walk, settings, ask):
    folder, _ = walk
    source = ("--set", "source.kind=postgres")
    asked = run_marketcast(folder, "forecast", "--ticker", "IBM", "--json", *source, *settings)
    assert asked.returncode == 0, asked.stderr
    [forecast] = json.loads(asked.stdout)["forecasts"]
    rows = ask(
        "SELECT as_of::text, price_05, price_10, price_25, price_50, price_75, price_90, price_95 "
        "FROM marketcast.latest_forecast WHERE ticker = 'IBM' ORDER BY horizon"
    )
    assert {row[0] for row in rows} == {forecast["as_of"]} == {"2013-03-01"}
    served = [list(horizon["prices"].values()) for horizon in forecast["horizons"]]
    np.testing.assert_allclose([row[1:] for row in rows], served, rtol=1e-6)


def test_a_second_run_changes_no_row(walk, settings, ask):
    folder, _ = walk
    versions = {name: f"SELECT xmin::text, * FROM marketcast.{name} ORDER BY 2, 3, 4, 5" for name in TABLES}
    before = {name: ask(statement) for name, statement in versions.items()}
    assert run_marketcast(folder, "database", "load", *settings).returncode == 0
    report, screen = run(folder, settings)
    assert report["database"]["rows"] == {"runs": 0, "verdict_checks": 0, "forecasts": 0}
    assert "no row changed" in screen
    assert {name: ask(statement) for name, statement in versions.items()} == before


@pytest.fixture(name="last_step", scope="module")
def fixture_last_step(walk, postgres_server, tmp_path_factory):
    """The last step of the package, with a database of its own and the password in a Secret of it alone."""
    settings = make_settings(postgres_server.create_database(KUBEFLOW_DATABASE))
    secret = "{secret: runs, key: password, steps: [RunPublisher]}"
    more = ("--set", "source.kind=postgres", "--set", f"kubeflow.secrets.{PASSWORD_VARIABLE}={secret}")
    return LastStep(tmp_path_factory.mktemp("kubeflow"), walk[0], [*settings, *more])


def test_on_kubeflow_the_last_step_writes_the_same_run_pushed_or_refused(
    walk, last_step, postgres_server, monkeypatch
):
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)  # Which a rehearsal takes for the Secret.
    databases = (DATABASE, KUBEFLOW_DATABASE)

    def ask_both(statement):
        return [postgres_server.administer(statement, name) for name in databases]

    told, log = last_step.run(is_pushed=True)
    assert told["state"] == "SUCCEEDED", log
    assert "rows: 1 of runs, 12 of verdict_checks, 10,860 of forecasts" in log
    assert PASSWORD not in log
    for name, keys in PUBLISHED.items():
        own = f"to_jsonb(t) - 'recorded_at' - 'updated_at' FROM marketcast.{name} t ORDER BY {keys}"
        locally, on_kubeflow = ask_both(f"SELECT {own}")
        assert on_kubeflow == locally and locally, f"{name}: what `marketcast run` has written"
    latest = "SELECT count(*) FROM marketcast.latest_forecast"
    assert ask_both(latest) == [[(20,)], [(20,)]]

    told, log = last_step.run(is_pushed=False)
    assert told["state"] == "SUCCEEDED", log
    assert "rows: 1 of runs, 0 of verdict_checks, 0 of forecasts" in log, "but for the outcome it is there"
    assert ask_both("SELECT outcome FROM marketcast.runs") == [[("pushed",)], [("refused",)]]
    assert ask_both(latest) == [[(20,)], [(0,)]], "the view is of models that were pushed"
    locally, on_kubeflow = ask_both("SELECT count(*) FROM marketcast.forecast_beside_actual")
    assert on_kubeflow == locally > [(10_000,)]
