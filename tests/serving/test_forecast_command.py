"""serving.forecast_command: from a file of bars to a table."""

from __future__ import annotations

import io
import json

import pytest

from components import contract
from components.errors import ConfigError, InputError, ServingError
from components.ingest.sources import SourceConfig
from serving.forecast_command import ForecastOptions, forecast
from tests.serving.conftest import push
from tests.serving.sample_bars import make_frame

NUM_DAYS = 300


@pytest.fixture
def ask(tmp_path, base_path):
    """Runs the command; returns what it printed and what it noted."""
    make_frame(2, NUM_DAYS).to_csv(tmp_path / "bars.csv", index=False)
    source = SourceConfig(path=str(tmp_path / "bars.csv"), metadata_path="")

    def run(*tickers, **options):
        output, notes = io.StringIO(), io.StringIO()
        forecast(
            ForecastOptions(tickers, **{"source": source, "model_base_path": str(base_path), **options}),
            output,
            notes,
        )
        return output.getvalue(), notes.getvalue()

    return run


def test_an_unknown_ticker_names_its_neighbours(ask):
    with pytest.raises(InputError, match="got 'S01'; the nearest there: S001"):
        ask("S000,S01")


def test_too_short_a_history_is_refused(ask):
    with pytest.raises(InputError, match="at least 261 bars"):
        ask("S000", as_of=make_frame(1, NUM_DAYS)[contract.DATE].iloc[50])


def test_without_a_model_it_says_how_to_get_one(ask):
    with pytest.raises(ServingError, match="must hold a pushed model, got none; run `marketcast run` first"):
        ask("S000")


def test_without_a_server_it_says_so(ask):
    with pytest.raises(ServingError, match=r"127.0.0.1:1 must be a server that can be reached"):
        ask("S000", address="127.0.0.1:1")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tickers": " ,"}, "--ticker must name"),
        ({"tickers": ["A"], "as_of": "soon"}, "--as-of must be a day"),
    ],
)
def test_bad_flags_are_refused(options, reason):
    with pytest.raises(ConfigError, match=reason):
        ForecastOptions(source=SourceConfig(), model_base_path="m", **options)


@pytest.mark.tf
def test_a_running_server_is_asked(ask, server):
    table, notes = ask("S001, S000", address=server.address)
    assert table.index("S001  as of") < table.index("S000  as of")
    assert "model tiny-1, served as version 1" in table
    assert notes == ""


@pytest.mark.tf
def test_one_is_started_where_there_is_none(ask, exported, base_path):
    push(exported, 1, base_path)
    day = make_frame(1, NUM_DAYS)[contract.DATE].iloc[280]
    printed, notes = ask("S001", as_json=True, as_of=day)
    described = json.loads(printed)
    assert described[contract.MODEL_VERSION] == "tiny-1"
    assert [(one["ticker"], one["as_of"]) for one in described["forecasts"]] == [("S001", day)]
    assert len(described["forecasts"][0]["horizons"]) == 5
    assert "starting a server" in notes
