"""serving.forecast_command: from a file of bars to a table."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

from components import contract
from components.errors import ConfigError, InputError, ServingError
from components.ingest.source_config import SourceConfig
from serving.connect import connect
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
        ({"tickers": " ,"}, "--ticker must name a ticker, or --all must stand for all, got ' ,'"),
        ({"tickers": "A", "every": True}, "--all must stand for all, got both, A"),
        ({"tickers": "A", "out": "forecasts.xls"}, r"must end in .parquet or .csv, got forecasts.xls"),
        ({"tickers": "A", "out": "nowhere/f.csv"}, "must go into a folder that is there, got nowhere/f.csv"),
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


@pytest.fixture
def universe(tmp_path):
    """Two tickers with enough bars and one without, in a file of their own."""
    frame = make_frame(3, NUM_DAYS)
    short = frame[frame[contract.TICKER] == "S001"].index[: NUM_DAYS - 100]
    frame.drop(short).to_csv(tmp_path / "universe.csv", index=False)
    return SourceConfig(path=str(tmp_path / "universe.csv"), metadata_path="")


@pytest.mark.tf
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_all_tickers_go_into_a_file(ask, server, universe, tmp_path, suffix):
    out = tmp_path / f"forecasts.{suffix}"
    out.write_text("yesterday's")
    table, _ = ask(source=universe, every=True, out=str(out), address=server.address)
    assert table.splitlines()[0].startswith(f"{out}: 70 rows, 2 tickers as of ")
    assert table.splitlines()[1] == "market features: not used"
    assert table.splitlines()[2].startswith("1 skipped: S001 (short_history: must have at least 261 bars")
    frame = pd.read_parquet(out) if suffix == "parquet" else pd.read_csv(out, parse_dates=["as_of"])
    with connect(server.address) as client:
        bars = pd.read_csv(universe.path)
        expected = client.forecast(bars[bars[contract.TICKER] != "S001"]).to_frame()
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False, rtol=1e-6)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".forecasts")]


@pytest.mark.tf
def test_machines_get_a_summary(ask, server, universe, tmp_path):
    out = str(tmp_path / "forecasts.csv")
    told, _ = ask(source=universe, every=True, out=out, address=server.address, as_json=True)
    summary = json.loads(told)
    assert (summary["out"], summary["tickers"], summary["rows"]) == (out, 2, 70)
    assert list(summary["skipped"]) == ["S001"]
    assert summary[contract.MODEL_VERSION] == "tiny-1"


@pytest.mark.tf
def test_nothing_is_written_where_the_server_fails(ask, tmp_path):
    out = tmp_path / "forecasts.csv"
    out.write_text("yesterday's")
    with pytest.raises(ServingError):
        ask("S000", out=str(out), address="127.0.0.1:1")
    assert out.read_text() == "yesterday's"
