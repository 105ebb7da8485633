"""serving.drift against a real server over a socket: what is asked, what is told, what goes wrong."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from components import contract
from components.errors import InputError, ServingError
from components.ingest.bars import ValidationConfig
from components.ingest.source_config import SourceConfig
from serving.client_config import ClientConfig
from serving.connect import connect
from serving.drift import command
from serving.drift.config import DriftConfig
from serving.drift.drift_metrics import PREFIX, DriftMetrics
from serving.drift.replay import replay
from tests.serving.conftest import free_port, push, serving
from tests.serving.sample_bars import make_frame, make_mapping

pytestmark = pytest.mark.tf
DAYS = 6
NUM_BARS = contract.LOOKBACK + DAYS


@pytest.fixture(scope="module")
def address(exported, tmp_path_factory):
    """A server with a model."""
    base_path = tmp_path_factory.mktemp("served") / contract.MODEL_NAME
    base_path.mkdir()
    push(exported, 1, base_path)
    with serving(base_path) as server:
        yield server.address


@pytest.fixture
def config(address, tmp_path):
    """A watch of two tickers' bars in a file."""
    make_frame(2, NUM_BARS).to_csv(tmp_path / "bars.csv", index=False)
    source = SourceConfig(path=str(tmp_path / "bars.csv"), metadata_path="")
    return DriftConfig(source, ValidationConfig(), ClientConfig(address), days=DAYS)


class Spy:
    """A client that notes what it is asked."""

    def __init__(self, client):
        self._client = client
        self.asked = []

    def forecast(self, bars):
        self.asked.append(bars)
        return self._client.forecast(bars)


def test_each_day_is_asked_with_its_own_bars_and_no_later_ones(address):
    bars = make_mapping(make_frame(2, NUM_BARS))
    with connect(ClientConfig(address)) as client:
        spy = Spy(client)
        past, version = replay(spy, bars, DAYS)
    assert version == "tiny-1" and len(spy.asked) == DAYS
    for back, asked in zip(range(DAYS, 0, -1), spy.asked, strict=True):
        for ticker, columns in asked.items():
            assert columns[contract.DATE][-1] == bars[ticker][contract.DATE][-1 - back]
            assert all(len(column) == NUM_BARS - back for column in columns.values())
    assert len(past.actual) == 2 * DAYS
    prices = next(iter(bars.values()))[contract.ADJ_CLOSE]
    assert past.actual[-2] == pytest.approx(np.log(prices[-1] / prices[-2]))


def test_another_future_changes_no_forecast_of_the_past(address):
    bars = make_mapping(make_frame(1, NUM_BARS))
    changed = {
        ticker: {name: column.copy() for name, column in columns.items()} for ticker, columns in bars.items()
    }
    for columns in changed.values():
        for name in contract.PRICE_COLUMNS:
            columns[name][-2:] *= 3.0
    with connect(ClientConfig(address)) as client:
        before, after = (replay(client, one, DAYS)[0] for one in (bars, changed))
    np.testing.assert_array_equal(before.quantiles[: DAYS - 1], after.quantiles[: DAYS - 1])
    np.testing.assert_array_equal(before.baseline[: DAYS - 1], after.baseline[: DAYS - 1])
    assert not np.array_equal(before.quantiles[DAYS - 1 :], after.quantiles[DAYS - 1 :])


def test_a_ticker_takes_part_in_the_days_that_it_has_bars_for(address):
    bars = make_mapping(make_frame(2, NUM_BARS))
    young = sorted(bars)[0]
    bars[young] = {name: column[-(contract.LOOKBACK + 2) :] for name, column in bars[young].items()}
    with connect(ClientConfig(address)) as client:
        past, _ = replay(client, bars, DAYS)
        assert len(past.actual) == DAYS + 2
        with pytest.raises(InputError, match="must have at least 261 bars"):
            replay(client, {young: {k: v[: contract.LOOKBACK] for k, v in bars[young].items()}}, DAYS)


def test_once_prints_the_figures(config):
    import dataclasses

    output = io.StringIO()
    assert command.watch_drift(dataclasses.replace(config, is_once=True), output) == 0
    told = json.loads(output.getvalue())
    assert (told["forecasts"], told["dates"]) == (2 * DAYS, DAYS)
    assert told["model_version"] == "tiny-1" and 0 <= told["coverage_90"] <= 1


def test_a_ticker_that_is_gone_is_left_out(config):
    frame = make_frame(2, NUM_BARS)
    first = frame[contract.TICKER].iloc[0]
    days = sorted(frame[contract.DATE].unique())
    frame = frame[(frame[contract.TICKER] != first) | (frame[contract.DATE] < days[-30])]
    long = make_frame(2, NUM_BARS)
    assert len(frame) < len(long)
    frame.to_csv(config.source.path, index=False)
    figures, _ = command.run_round(config, DriftMetrics())
    assert figures.num_forecasts == DAYS


def test_failures_are_counted_and_the_last_figures_stay(config):
    import dataclasses

    metrics = DriftMetrics(clock=lambda: 1790000000.0)
    assert f"{PREFIX}coverage_ratio" not in metrics.format()
    command.run_round(config, metrics)
    good = metrics.format()
    assert f"{PREFIX}last_success_timestamp_seconds 1790000000\n" in good
    assert f'{PREFIX}model_info{{model_version="tiny-1"}} 1\n' in good
    away = dataclasses.replace(config, client=ClientConfig(f"localhost:{free_port()}", max_attempts=1))
    with pytest.raises(ServingError):
        command.run_round(away, metrics)
    missing = dataclasses.replace(config, source=dataclasses.replace(config.source, path="/nowhere.csv"))
    with pytest.raises(InputError):
        command.run_round(missing, metrics)
    for reason in ("bars", "server"):
        good = good.replace(
            f'failures_total{{reason="{reason}"}} 0', f'failures_total{{reason="{reason}"}} 1'
        )
    assert metrics.format() == good


def test_the_command_tells_prometheus_and_ends_by_a_signal_without_tensorflow(config, tmp_path):
    port = free_port()
    code = (
        "import sys; from pipeline.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print('tensorflow' in sys.modules, flush=True)"
    )
    flags = [f"--address={config.client.address}", f"--data={config.source.path}", f"--days={DAYS}"]
    command_line = [sys.executable, "-c", code, "watch-drift", *flags, f"--metrics-port={port}", "--json"]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True) as watch:
        try:
            told = wait_for_figures(port)
        finally:
            watch.terminate()
        assert watch.wait(20) == 0
        assert watch.stdout.read().strip() == "False"
    assert f"{PREFIX}forecasts {2 * DAYS}" in told
    assert f'{PREFIX}coverage_ratio{{band="90"}}' in told


def wait_for_figures(port: int) -> str:
    """What is told once the first round has ended."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                text = answer.read().decode()
        except OSError:
            text = ""
        if f"{PREFIX}coverage_ratio" in text:
            return text
        time.sleep(0.2)
    raise AssertionError("no figures in a minute")


@pytest.mark.parametrize(
    "flags, told",
    [
        (["--days=1"], "--days must be at least 2"),
        (["--every=0"], "--every must be above 0"),
        (["--once", "--every=5"], "exclude each other"),
        (["--once", "--data=/nowhere.csv"], "/nowhere.csv"),
    ],
)
def test_wrong_flags_are_told_in_a_line(flags, told):
    command_line = [sys.executable, "-m", "pipeline.cli", "watch-drift", "--address=localhost:1", *flags]
    ended = subprocess.run(command_line, capture_output=True, text=True, check=False)
    assert ended.returncode != 0 and told in ended.stderr and "Traceback" not in ended.stderr
