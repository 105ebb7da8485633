"""serving.client over real sockets: retries, balance, batches, deadlines, headers, threads."""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import threading
import time

import grpc
import numpy as np
import pytest

from components import contract
from components.errors import ServingError
from serving.answers import NOT_SERVING, SERVING
from serving.client import ForecastClient
from serving.requests import HEALTH, METADATA, PREDICT, STATUS
from tests.serving.sample_bars import make_frame, make_mapping
from tests.serving.stand_in import StandIn, listening

BARS = make_mapping(make_frame(5))
TIMEOUT_SECONDS = 30.0


@pytest.fixture
def stand_in():
    return StandIn()


@pytest.fixture
def connect(stand_in):
    """Makes clients of a server that runs."""
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(listening(stand_in))

        def make(**settings):
            return stack.enter_context(
                ForecastClient(address, **{"timeout_seconds": TIMEOUT_SECONDS, **settings})
            )

        yield make


def refuse_first(num_calls, code=grpc.StatusCode.UNAVAILABLE):
    """A hook that refuses that many calls."""
    left = iter(range(num_calls))

    def before(call, context):
        if next(left, None) is not None:
            context.abort(code, "not now")

    return before


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_server_that_is_away_for_two_tries_is_asked_again(connect, stand_in, code):
    stand_in.before = refuse_first(2, code)
    assert connect().forecast(BARS).served_version == 1
    assert stand_in.count(PREDICT) == 3


def test_large_requests_are_tried_again_as_well(connect, stand_in):
    frame = make_frame(400)
    stand_in.before = refuse_first(1)
    assert len(connect().forecast(frame).tickers) == 400
    assert stand_in.count(PREDICT) == 2


@pytest.mark.parametrize(("max_attempts", "num_calls"), [(1, 1), (3, 3)])
def test_tries_come_to_an_end(connect, stand_in, max_attempts, num_calls):
    stand_in.before = refuse_first(100)
    with pytest.raises(ServingError, match="must be a server that can be reached, got: not now"):
        connect(max_attempts=max_attempts).forecast(BARS)
    assert stand_in.count(PREDICT) == num_calls


@pytest.mark.parametrize("method", ["status", "metadata", "health"])
def test_other_calls_are_tried_again_as_well(connect, stand_in, method):
    stand_in.before = refuse_first(1)
    assert getattr(connect(), method)()
    assert len(stand_in.calls) == 2


@pytest.mark.parametrize(
    ("code", "mending"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "check the request"),
        (grpc.StatusCode.UNAUTHENTICATED, "check the token"),
        (grpc.StatusCode.PERMISSION_DENIED, "check the rights"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "send fewer tickers"),
        (grpc.StatusCode.UNIMPLEMENTED, "the port of a TensorFlow Serving"),
        (grpc.StatusCode.NOT_FOUND, "check the model's name"),
    ],
)
def test_what_a_server_refuses_is_not_tried_again(connect, stand_in, code, mending):
    stand_in.before = refuse_first(100, code)
    with pytest.raises(ServingError, match=mending) as caught:
        connect().forecast(BARS)
    assert caught.value.code == code.name
    assert "\n" not in str(caught.value)
    assert stand_in.count(PREDICT) == 1


def test_calls_go_to_all_servers_and_on_when_one_dies():
    first, second = StandIn(), StandIn()
    with contextlib.ExitStack() as stack:
        first_stack = stack.enter_context(contextlib.ExitStack())
        addresses = [first_stack.enter_context(listening(first)), stack.enter_context(listening(second))]
        client = stack.enter_context(
            ForecastClient(f"ipv4:{','.join(addresses)}", timeout_seconds=TIMEOUT_SECONDS)
        )
        client.forecast(BARS)
        for _ in range(200):  # Until both are connected; the first connection answers alone.
            if first.calls and second.calls:
                break
            client.forecast(BARS)
        assert first.calls
        assert second.calls
        first_stack.close()
        num_before = second.count(PREDICT)
        for _ in range(10):
            client.forecast(BARS)
        assert second.count(PREDICT) == num_before + 10


def test_a_forecast_in_batches_is_that_in_one(connect, stand_in):
    whole, cut = connect().forecast(BARS), connect(max_tickers=2).forecast(BARS)
    assert stand_in.count(PREDICT) == 1 + 3
    assert cut.tickers == whole.tickers == tuple(BARS)
    for name in ("as_of", "last_close", "price_quantiles", "return_quantiles", "levels", "horizons"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))
    assert cut.to_frame().equals(whole.to_frame())


def test_batches_under_way_are_bounded(connect, stand_in):
    both_there = threading.Barrier(2)

    def linger(*_):
        both_there.wait(TIMEOUT_SECONDS)
        time.sleep(0.1)  # A third one would come meanwhile.

    stand_in.before = linger
    connect(max_tickers=1, max_parallel=2).forecast(make_mapping(make_frame(6)))
    assert stand_in.most_under_way == 2


def test_a_swap_between_batches_ends_in_one_version(connect, stand_in):
    def swap(call, context):
        if stand_in.count(PREDICT) == 3:
            stand_in.versions = [2]

    stand_in.before = swap
    forecast = connect(max_tickers=1, max_parallel=1).forecast(BARS)
    assert (forecast.served_version, forecast.model_version) == (2, "m2")
    np.testing.assert_array_equal(forecast.price_quantiles[:, 0, 0], 2 * forecast.last_close)
    assert stand_in.count(PREDICT) == 5 + 2, "the two of the old version are asked again"
    assert [call.request.model_spec.version.value for call in stand_in.calls[5:]] == [2, 2]


def test_a_roll_back_between_batches_ends_in_one_version(connect, stand_in):
    stand_in.versions = [1, 2]

    def roll_back(call, context):
        if stand_in.count(PREDICT) == 3:
            stand_in.versions = [1]

    stand_in.before = roll_back
    forecast = connect(max_tickers=1, max_parallel=1).forecast(BARS)
    assert forecast.served_version == 1
    assert (forecast.price_quantiles[:, 0, 0] == forecast.last_close).all()


def test_versions_that_do_not_come_to_rest_are_given_up(connect, stand_in):
    def change(call, context):
        stand_in.versions = [len(stand_in.calls)]

    stand_in.before = change
    with pytest.raises(
        ServingError, match=r"must be answered by one version, got 1 \(m1\), 2 \(m2\), .* 5 rounds"
    ):
        connect(max_tickers=1, max_parallel=1).forecast(BARS)


def test_the_version_or_the_label_is_asked_for(connect, stand_in):
    stand_in.versions, stand_in.labels = [1, 2, 3], {"stable": 2}
    assert connect().forecast(BARS).served_version == 3
    assert connect(version=1).forecast(BARS).served_version == 1
    assert connect(label="stable").forecast(BARS).served_version == 2
    assert connect(label="stable").metadata().version == 2
    assert connect(version=1).metadata().version == 1
    with pytest.raises(ServingError, match=r"Specific\(marketcast, 7\); check .* versions"):
        connect(version=7).forecast(BARS)
    with pytest.raises(ServingError, match="label: canary; check the label"):
        connect(label="canary").forecast(BARS)


def test_the_wait_is_for_the_version_or_the_label(connect, stand_in):
    stand_in.versions, stand_in.labels = [1, 2], {"stable": 1}
    assert connect().wait_until_available(TIMEOUT_SECONDS) == 2
    assert connect(version=1).wait_until_available(TIMEOUT_SECONDS) == 1
    assert connect(label="stable").wait_until_available(TIMEOUT_SECONDS) == 1
    with pytest.raises(
        ServingError, match=r"a version 3 of marketcast within 0.5 s, got: version 2 AVAILABLE"
    ):
        connect(version=3).wait_until_available(0.5)
    with pytest.raises(ServingError, match=r"a version with the label canary .* got: Unrecognized"):
        connect(label="canary").wait_until_available(0.5)


def test_the_wait_does_not_pass_over_a_refusal(connect, stand_in):
    stand_in.before = refuse_first(100, grpc.StatusCode.UNAUTHENTICATED)
    with pytest.raises(ServingError, match="UNAUTHENTICATED: not now; check the token"):
        connect().wait_until_available(TIMEOUT_SECONDS)


def test_the_wait_ends_when_a_server_comes(stand_in):
    address = f"127.0.0.1:{free_port()}"
    with (
        ForecastClient(address) as client,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(client.wait_until_available, TIMEOUT_SECONDS)
        with listening(stand_in, address=address):
            assert waiting.result() == 1


def test_health_is_asked_of_the_service_or_read_from_the_status(connect, stand_in):
    assert connect().health() == SERVING
    assert (stand_in.count(HEALTH), stand_in.count(STATUS)) == (1, 0)
    without = StandIn()
    without.has_health_service = False
    with listening(without) as address, ForecastClient(address) as client:
        assert client.health() == SERVING
        without.versions = []
        assert client.health() == NOT_SERVING


def test_headers_go_with_each_call(connect, stand_in):
    tokens = iter(["Bearer one", "Bearer two", "Bearer three", "Bearer four"])
    client = connect(headers=lambda: {"authorization": next(tokens)})
    client.forecast(BARS), client.status(), client.metadata(), client.health()
    sent = {call.path: call.headers["authorization"] for call in stand_in.calls}
    assert sent == {
        PREDICT.path: "Bearer one",
        STATUS.path: "Bearer two",
        METADATA.path: "Bearer three",
        HEALTH.path: "Bearer four",
    }
    connect(headers={"x-tenant": "a"}).status()
    assert stand_in.calls[-1].headers["x-tenant"] == "a"


def test_the_deadline_is_that_of_all_requests_together(connect, stand_in):
    released = threading.Event()
    stand_in.before = lambda *_: released.wait(TIMEOUT_SECONDS)
    try:
        with pytest.raises(ServingError, match=r"must answer within 0.3 s, got no answer"):
            connect(max_tickers=1, max_parallel=1).forecast(BARS, timeout_seconds=0.3)
    finally:
        released.set()
    assert stand_in.count(PREDICT) < len(BARS), "the last requests had no time left"


def test_many_threads_share_one_client(connect, stand_in):
    client = connect(max_tickers=2)
    tickers = list(BARS)

    def ask(index):
        own = tickers[index % len(tickers)]
        forecast = client.forecast({own: BARS[own]})
        return forecast.tickers == (own,) and forecast.last_close[0] == np.float32(
            BARS[own][contract.CLOSE][-1]
        )

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(200)))
    assert stand_in.count(PREDICT) == 200


def test_a_closed_client_says_so(connect):
    client = connect()
    client.close()
    with pytest.raises(ServingError, match=r"CANCELLED: .*closed.*keep the client open"):
        client.forecast(BARS)


def test_a_quiet_connection_is_kept_alive(connect):
    assert connect(keepalive_seconds=10.0).status()
