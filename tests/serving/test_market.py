"""A model that sees the market, behind a real server: who is asked what, over gRPC, asyncio and REST."""

from __future__ import annotations

import asyncio
import io
import json

import numpy as np
import pytest

from components import contract
from components.ingest.source_config import SourceConfig
from serving.async_client import AsyncForecastClient
from serving.call_error import CallError
from serving.client import ForecastClient
from serving.connect import connect
from serving.forecast_command import ForecastOptions, forecast
from tests.serving.conftest import free_port, push, serving
from tests.serving.sample_bars import make_frame, make_mapping

pytestmark = pytest.mark.tf
BARS = make_frame(3)
NUM_TICKERS = 3


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Version 1 sees the market, version 2 does not, version 3 does."""
    from tests.serving import tiny_model

    base = tmp_path_factory.mktemp("both")
    folders = {version: base / str(version) for version in (1, 2, 3)}
    for version, folder in folders.items():
        tiny_model.save_tiny_model(folder, f"tiny-{version}", sees_market=version != 2)
        tiny_model.add_manifest(folder)
    return folders


@pytest.fixture
def server(both, base_path):
    push(both, 1, base_path)
    with serving(base_path, rest_api_port=free_port()) as started:
        yield started


def ask_async(server, bars):
    async def ask():
        async with AsyncForecastClient(server.address) as client:
            return await client.forecast(bars)

    return asyncio.run(ask())


def ask_grpc(server, bars):
    with ForecastClient(server.address) as client:
        return client.forecast(bars)


def ask_rest(server, bars):
    with connect(f"http://127.0.0.1:{server.rest_port}") as client:
        return client.forecast(bars)


def width(answer):
    return answer.return_quantiles[:, 0, -1] - answer.return_quantiles[:, 0, 0]


@pytest.mark.parametrize("ask", [ask_grpc, ask_async, ask_rest])
def test_a_universe_sees_the_market_and_a_ticker_alone_does_not(server, ask):
    answer = ask(server, BARS)
    assert answer.sees_market and answer.has_market.tolist() == [True] * NUM_TICKERS
    own = BARS[BARS[contract.TICKER] == answer.tickers[1]]
    alone = ask(server, own)
    assert alone.sees_market and alone.has_market.tolist() == [False]
    np.testing.assert_allclose(width(answer)[1], 1.02 * width(alone)[0], rtol=1e-5)


def test_what_a_request_cannot_tell_is_asked_without(server):
    undated = make_mapping(BARS, with_dates=False)
    with ForecastClient(server.address) as client:
        assert client.forecast(BARS).has_market.all()
        assert not client.forecast(undated).has_market.any()
    for settings in ({"max_tickers": NUM_TICKERS}, {"by_rows": True}):
        with ForecastClient(server.address, **settings) as client:
            answer = client.forecast(BARS)
            assert answer.sees_market and not answer.has_market.any()
    with ForecastClient(server.address, max_tickers=NUM_TICKERS + 1) as client:
        assert client.forecast(BARS).has_market.all()


def test_the_same_client_follows_a_swap_both_ways(both, base_path):
    from serving.server import Server

    push(both, 1, base_path)
    with serving(base_path) as server, ForecastClient(server.address) as client:
        assert isinstance(server, Server)
        found = []
        for version in (1, 2, 3):
            if version > 1:
                push(both, version, base_path)
            client_version = 0
            while client_version != version:
                answer = client.forecast(BARS)
                client_version = answer.served_version
            found.append(bool(answer.has_market.all()))
            again = client.forecast(BARS)
            assert again.has_market.all() == found[-1]
        assert found == [True, False, True]


def test_a_server_that_joins_requests_refuses_a_universe(both, base_path):
    """Its rows would be joined with those of another: the outputs without rows forbid it."""
    from serving.bars import take_latest_bars
    from serving.client_config import configure
    from serving.inquiry import Batch, Deadline

    push(both, 1, base_path)
    parameters = base_path.parent / "batching.config"
    parameters.write_text("max_batch_size { value: 64 }\nbatch_timeout_micros { value: 1000 }\n")
    with serving(base_path, enable_batching=True, batching_parameters_file=str(parameters)) as server:
        with ForecastClient(configure(server.address, {})) as client, pytest.raises(CallError) as caught:
            client._ask(Batch(0, take_latest_bars(BARS), None, is_universe=True), Deadline(20.0))
        assert caught.value.code == "FAILED_PRECONDITION" and "Batched output" in caught.value.details
        with ForecastClient(server.address, by_rows=True) as client:
            assert not client.forecast(BARS).has_market.any()


def test_a_forecast_of_all_tells_whether_the_market_was_used(server, tmp_path):
    make_frame(3, 300).to_csv(tmp_path / "bars.csv", index=False)
    source = SourceConfig(path=str(tmp_path / "bars.csv"), metadata_path="")

    def run(**options):
        output = io.StringIO()
        given = {"tickers": (), "every": True, "source": source, "model_base_path": "", **options}
        forecast(ForecastOptions(address=server.address, **given), output, io.StringIO())
        return output.getvalue()

    assert "\nmarket features: used for 3 of 3 tickers\n" in run()
    assert json.loads(run(as_json=True))["market_tickers"] == NUM_TICKERS
    lone = run(tickers=("S000",), every=False)
    assert "market features" not in lone
