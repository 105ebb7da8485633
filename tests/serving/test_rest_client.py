"""serving.rest_client over real sockets: bodies, versions, retries, kept connections, deadlines."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading

import numpy as np
import pytest

from components.errors import ConfigError, ServingError
from serving.answers import AVAILABLE, NOT_SERVING, SERVING, TensorSpec
from serving.rest_client import RestForecastClient
from tests.serving.rest_stand_in import RestStandIn, listening
from tests.serving.sample_bars import make_frame, make_mapping

BARS = make_mapping(make_frame(5))
TIMEOUT_SECONDS = 30.0


@pytest.fixture
def stand_in():
    return RestStandIn()


@pytest.fixture
def connect(stand_in):
    """Makes clients of a server that runs."""
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(listening(stand_in))

        def make(path="", **settings):
            settings = {"timeout_seconds": TIMEOUT_SECONDS, **settings}
            return stack.enter_context(RestForecastClient(f"http://{address}{path}", **settings))

        yield make


def answer_first(num_calls, status, body="{}"):
    """A hook that gives that many calls an answer of its own."""
    left = iter(range(num_calls))
    return lambda _: None if next(left, None) is None else (status, body)


def test_a_forecast_is_read(connect):
    forecast = connect().forecast(BARS)
    assert forecast.tickers == tuple(BARS)
    assert (forecast.served_version, forecast.model_version) == (1, "m1")
    assert forecast.price_quantiles.dtype == np.float32
    np.testing.assert_array_equal(forecast.price_quantiles[:, 1, 1], forecast.last_close)
    np.testing.assert_array_equal(
        forecast.last_close, [np.float32(columns["close"][-1]) for columns in BARS.values()]
    )


def test_status_metadata_health_and_wait(connect, stand_in):
    stand_in.versions, stand_in.labels = [1, 2], {"stable": 1}
    client = connect()
    assert [(one.version, one.state, one.error) for one in client.status()] == [
        (2, AVAILABLE, ""),
        (1, AVAILABLE, ""),
    ]
    metadata = client.metadata()
    assert metadata.version == 2
    assert metadata.signatures["forecast"].inputs == {"close": TensorSpec("DT_FLOAT", (-1, -1))}
    assert metadata.signatures["forecast"].outputs == {"model_version": TensorSpec("DT_STRING", ())}
    assert client.health() == SERVING
    assert client.wait_until_available(TIMEOUT_SECONDS) == 2
    assert connect(label="stable").wait_until_available(TIMEOUT_SECONDS) == 1
    stand_in.before = lambda _: (404, '{ "error": "Could not find any versions of model marketcast" }')
    assert client.health() == NOT_SERVING
    with pytest.raises(ServingError, match=r"within 0.3 s, got: Could not find any versions"):
        client.wait_until_available(0.3)


def test_the_version_or_the_label_is_asked_for(connect, stand_in):
    stand_in.versions, stand_in.labels = [1, 2, 3], {"stable": 2}
    assert connect().forecast(BARS).served_version == 3
    assert connect(version=1).forecast(BARS).served_version == 1
    assert stand_in.calls[-1].path == "/v1/models/marketcast/versions/1:predict"
    assert connect(label="stable").forecast(BARS).served_version == 2
    with pytest.raises(ServingError, match=r"Specific\(marketcast, 7\)"):
        connect(version=7).forecast(BARS)
    with pytest.raises(ServingError, match="label: canary; check the label"):
        connect(label="canary").forecast(BARS)
    with pytest.raises(ServingError, match=r"must serve the model a/b, got: Could not find .* a%2Fb"):
        connect(model_name="a/b").forecast(BARS)


def test_a_path_before_v1_is_kept(connect, stand_in):
    stand_in.prefix = "/serving/prod"
    assert connect("/serving/prod/").forecast(BARS).served_version == 1


def test_a_swap_between_batches_ends_in_one_version(connect, stand_in):
    def swap(_):
        if stand_in.count(":predict") == 3:
            stand_in.versions = [2]

    stand_in.before = swap
    forecast = connect(max_tickers=1, max_parallel=1).forecast(BARS)
    assert (forecast.served_version, forecast.model_version) == (2, "m2")
    np.testing.assert_array_equal(forecast.price_quantiles[:, 0, 0], 2 * forecast.last_close)


@pytest.mark.parametrize("max_attempts", [2, 3])
def test_503_is_tried_again(connect, stand_in, max_attempts):
    stand_in.before = answer_first(2, 503, '{ "error": "not now" }')
    client = connect(version=1, max_attempts=max_attempts)
    if max_attempts == 2:
        with pytest.raises(ServingError, match="must be a server that can be reached, got: not now"):
            client.forecast(BARS)
    else:
        client.forecast(BARS)
    assert stand_in.count(":predict") == max_attempts


@pytest.mark.parametrize(
    ("status", "body", "code", "reason"),
    [
        (
            400,
            '{ "error": "Expected one or two" }',
            "INVALID_ARGUMENT",
            "Expected one or two; check the request",
        ),
        (401, "<html>who?</html>", "UNAUTHENTICATED", "HTTP status 401; check the token"),
        (403, "", "PERMISSION_DENIED", "check the rights"),
        (413, "[]", "RESOURCE_EXHAUSTED", "send fewer tickers"),
        (429, "{}", "RESOURCE_EXHAUSTED", "server's load"),
        (500, '{ "error": "a\\nb" }', "INTERNAL", "INTERNAL: a; "),
        (501, "{}", "UNIMPLEMENTED", "check that the address is the port"),
        (504, "{}", "DEADLINE_EXCEEDED", "must answer within 30 s"),
    ],
)
def test_what_a_server_refuses_is_not_tried_again(connect, stand_in, status, body, code, reason):
    stand_in.before = lambda _: (status, body)
    with pytest.raises(ServingError, match=reason) as caught:
        connect(version=1).forecast(BARS)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert len(stand_in.calls) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html>hello</html>", "must answer as TensorFlow Serving's REST interface does, got '<html>hello"),
        ("[1]", "REST interface does"),
        ("{}", "the model must answer return_quantiles"),
        ('{"outputs": [1]}', "the model must answer return_quantiles"),
        ('{"outputs": {"horizons": ["x"]}}', "must answer tensors"),
        ('{"outputs": {"last_close": [[1], [1, 2]]}}', "must answer tensors"),
    ],
)
def test_an_answer_that_is_no_forecast_is_refused(connect, stand_in, body, reason):
    stand_in.before = lambda _: (200, body)
    with pytest.raises(ServingError, match=reason):
        connect(version=1).forecast(BARS)


@pytest.mark.parametrize(
    "body", ["no", '{"metadata": 1}', '{"model_spec": {}, "metadata": {"signature_def": 1}}']
)
def test_metadata_that_is_none_is_refused(connect, stand_in, body):
    stand_in.before = lambda _: (200, body)
    with pytest.raises(ServingError, match="REST interface does"):
        connect().metadata()


def test_a_connection_is_kept(connect, stand_in):
    client = connect()
    for _ in range(5):
        client.forecast(BARS)
    assert stand_in.num_connections == 1
    assert len(stand_in.calls) == 10


def test_a_connection_that_the_server_closes_is_made_anew(connect, stand_in):
    stand_in.keeps_connections = False
    client = connect(max_attempts=1)
    for _ in range(5):
        client.forecast(BARS)
    assert stand_in.num_connections == 10


def test_a_server_that_was_started_anew_is_found(stand_in):
    with contextlib.ExitStack() as stack:
        with listening(stand_in) as address:
            client = stack.enter_context(RestForecastClient(f"http://{address}"))
            assert client.status()
        with pytest.raises(ServingError, match=r"can be reached, got: .*Connection refused"):
            client.status()
        stack.enter_context(listening(stand_in, address=address))
        assert client.status()


def test_headers_go_with_each_call(connect, stand_in):
    tokens = iter(["one", "two", "three"])
    client = connect(headers=lambda: {"authorization": f"Bearer {next(tokens)}"})
    client.forecast(BARS), client.status()
    assert [call.headers["authorization"] for call in stand_in.calls] == [
        "Bearer one",
        "Bearer two",
        "Bearer three",
    ]


def test_the_deadline_is_kept(connect, stand_in):
    released = threading.Event()

    def hold(_):
        released.wait(TIMEOUT_SECONDS)

    stand_in.before = hold
    try:
        with pytest.raises(ServingError, match=r"must answer within 0.3 s, got no answer"):
            connect().forecast(BARS, timeout_seconds=0.3)
    finally:
        released.set()


def test_many_threads_share_one_client(connect):
    client = connect(version=1)
    tickers = list(BARS)

    def ask(index):
        own = tickers[index % len(tickers)]
        forecast = client.forecast({own: BARS[own]})
        return forecast.last_close[0] == np.float32(BARS[own]["close"][-1])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(80)))


def test_a_closed_client_says_so(connect):
    client = connect()
    client.status()
    client.close()
    with pytest.raises(ServingError, match="CANCELLED: the client has been closed"):
        client.status()


def test_an_address_of_grpc_is_refused():
    with pytest.raises(ConfigError, match="a REST client's address must be a URL of http or https"):
        RestForecastClient("localhost:8500")
