"""serving.async_client over real sockets: it does what the blocking client does, many at a time."""

from __future__ import annotations

import asyncio
import threading
import time

import grpc
import numpy as np
import pytest

from components.errors import ConfigError, InputError, ServingError
from serving.answers import NOT_SERVING, SERVING
from serving.async_client import AsyncForecastClient
from serving.client import ForecastClient
from serving.requests import PREDICT
from serving.tls import TlsConfig
from tests.serving.certificates import Authority
from tests.serving.sample_bars import make_frame, make_mapping
from tests.serving.stand_in import StandIn, listening

BARS = make_mapping(make_frame(5))
TIMEOUT_SECONDS = 30.0


@pytest.fixture
def stand_in():
    return StandIn()


@pytest.fixture
def address(stand_in):
    with listening(stand_in) as there:
        yield there


def ask(address, question, **settings):
    """What the coroutine function `question` returns for a client."""

    async def run():
        async with AsyncForecastClient(address, **{"timeout_seconds": TIMEOUT_SECONDS, **settings}) as client:
            return await question(client)

    return asyncio.run(run())


def test_it_has_the_methods_of_the_blocking_client():
    def names(of):
        return {name for name in dir(of) if not name.startswith("_")}

    assert names(AsyncForecastClient) == names(ForecastClient)


def test_a_forecast_is_that_of_the_blocking_client(address):
    with ForecastClient(address) as client:
        expected = client.forecast(BARS).to_frame()
    assert ask(address, lambda client: client.forecast(BARS)).to_frame().equals(expected)
    assert ask(address, lambda client: client.forecast(BARS), max_tickers=2).to_frame().equals(expected)


def test_status_metadata_health_and_wait(address, stand_in):
    stand_in.versions, stand_in.labels = [1, 2], {"stable": 1}
    assert [one.version for one in ask(address, lambda client: client.status())] == [2, 1]
    assert ask(address, lambda client: client.metadata()).version == 2
    assert ask(address, lambda client: client.health()) == SERVING
    assert ask(address, lambda client: client.wait_until_available(TIMEOUT_SECONDS)) == 2
    assert ask(address, lambda client: client.wait_until_available(TIMEOUT_SECONDS), label="stable") == 1
    with pytest.raises(ServingError, match=r"a version 3 of marketcast within 0.3 s"):
        ask(address, lambda client: client.wait_until_available(0.3), version=3)


def test_health_without_its_service_is_read_from_the_status(stand_in):
    stand_in.has_health_service = False
    with listening(stand_in) as there:
        assert ask(there, lambda client: client.health()) == SERVING
        stand_in.versions = []
        assert ask(there, lambda client: client.health()) == NOT_SERVING


def test_many_forecasts_run_at_a_time(address, stand_in):
    all_there = threading.Barrier(4)
    stand_in.before = lambda *_: all_there.wait(TIMEOUT_SECONDS)

    async def four(client):
        return await asyncio.gather(*(client.forecast({name: BARS[name]}) for name in list(BARS)[:4]))

    forecasts = ask(address, four)
    assert [forecast.tickers for forecast in forecasts] == [(name,) for name in list(BARS)[:4]]


def test_batches_under_way_are_bounded(address, stand_in):
    both_there = threading.Barrier(2)

    def linger(*_):
        both_there.wait(TIMEOUT_SECONDS)
        time.sleep(0.1)  # A third one would come meanwhile.

    stand_in.before = linger
    bars = make_mapping(make_frame(6))
    ask(address, lambda client: client.forecast(bars), max_tickers=1, max_parallel=2)
    assert stand_in.most_under_way == 2


def test_a_swap_between_batches_ends_in_one_version(address, stand_in):
    def swap(call, context):
        if stand_in.count(PREDICT) == 3:
            stand_in.versions = [2]

    stand_in.before = swap
    forecast = ask(address, lambda client: client.forecast(BARS), max_tickers=1, max_parallel=1)
    assert forecast.served_version == 2
    np.testing.assert_array_equal(forecast.price_quantiles[:, 0, 0], 2 * forecast.last_close)


def test_a_cancelled_task_ends_its_calls(address, stand_in):
    arrived, ended = threading.Event(), threading.Event()

    def hold(call, context):
        context.add_callback(ended.set)
        arrived.set()
        ended.wait(TIMEOUT_SECONDS)

    stand_in.before = hold

    async def cancel(client):
        task = asyncio.create_task(client.forecast(BARS))
        await asyncio.to_thread(arrived.wait, TIMEOUT_SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, TIMEOUT_SECONDS), "the server is told"

    ask(address, cancel)


def test_an_error_of_one_batch_ends_the_others(address, stand_in):
    def refuse(call, context):
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "never")

    stand_in.before = refuse
    with pytest.raises(ServingError, match="INVALID_ARGUMENT: never"):
        ask(address, lambda client: client.forecast(BARS), max_tickers=1, max_parallel=1)
    assert stand_in.count(PREDICT) < len(BARS)


def test_a_server_that_is_away_for_two_tries_is_asked_again(address, stand_in):
    left = iter(range(2))

    def refuse(call, context):
        if next(left, None) is not None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")

    stand_in.before = refuse
    assert ask(address, lambda client: client.forecast(BARS)).served_version == 1
    assert stand_in.count(PREDICT) == 3


def test_the_deadline_is_kept(address, stand_in):
    released = threading.Event()
    stand_in.before = lambda *_: released.wait(TIMEOUT_SECONDS)
    try:
        with pytest.raises(ServingError, match=r"must answer within 0.3 s, got no answer"):
            ask(address, lambda client: client.forecast(BARS, timeout_seconds=0.3))
    finally:
        released.set()


def test_tls_and_headers(stand_in):
    authority = Authority("ours")
    pair, own = authority.issue(), authority.issue()
    credentials = grpc.ssl_server_credentials(
        [(pair.private_key, pair.certificate)], authority.certificate, require_client_auth=True
    )
    with listening(stand_in, credentials) as there:
        tls = TlsConfig(authority.certificate, own.certificate, own.private_key)
        ask(there, lambda client: client.status(), tls=tls, headers={"authorization": "Bearer x"})
        assert stand_in.calls[0].headers["authorization"] == "Bearer x"
        with pytest.raises(ServingError, match=r"(?i:certificate.verify.failed)"):
            ask(there, lambda client: client.status(), tls=TlsConfig(Authority("other").certificate))


def test_what_is_wrong_is_refused_before_a_call(address, stand_in):
    with pytest.raises(InputError, match="at least 260"):
        ask(address, lambda client: client.forecast(make_frame(1, 259)))
    with pytest.raises(ConfigError, match="a gRPC client's address"):
        ask("http://localhost:8501", lambda client: client.status())
    assert stand_in.calls == []


def test_nobody_there_is_said_so():
    with pytest.raises(ServingError, match=r"127.0.0.1:1 must be a server that can be reached"):
        ask("127.0.0.1:1", lambda client: client.status(), max_attempts=1)


def test_a_closed_client_says_so(address):
    async def close_first(client):
        await client.status()
        await client.close()
        with pytest.raises(ServingError, match=r"CANCELLED: .*keep the client open"):
            await client.status()

    ask(address, close_first)
