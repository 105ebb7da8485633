"""serving.server, over sockets: answers and refusals as TensorFlow Serving gives them."""

from __future__ import annotations

import time

import grpc
import numpy as np
import pytest

from components import contract
from components.errors import ConfigError, InputError, ServingError
from serving.answers import AVAILABLE
from serving.bars import take_latest_bars
from serving.client import ForecastClient
from serving.server_config import ServerConfig
from tests.serving.conftest import push, serving
from tests.serving.predict_requests import make_request
from tests.serving.sample_bars import make_frame

tf_only = pytest.mark.tf


@pytest.fixture
def client(server):
    with ForecastClient(server.address) as connected:
        yield connected


def make_examples():
    """The same bars for `serving_default`."""
    import tensorflow as tf

    latest = take_latest_bars(make_frame())
    examples = []
    for index, ticker in enumerate(latest.tickers):
        example = tf.train.Example()
        example.features.feature[contract.TICKER].bytes_list.value.append(ticker.encode())
        for name in contract.BAR_COLUMNS:
            example.features.feature[name].float_list.value.extend(latest.columns[name][index])
        examples.append(example.SerializeToString())
    return examples


@tf_only
def test_a_forecast_is_the_models_to_the_bit(client, exported):
    import tensorflow as tf

    latest = take_latest_bars(make_frame())
    model = tf.saved_model.load(str(exported[1]))
    tensors = {name: tf.constant(column) for name, column in latest.columns.items()}
    expected = model.signatures[contract.FORECAST_SIGNATURE](ticker=tf.constant(latest.tickers), **tensors)
    answer = client.forecast(make_frame())
    for name in (contract.RETURN_QUANTILES, contract.PRICE_QUANTILES, contract.LAST_CLOSE):
        np.testing.assert_array_equal(getattr(answer, name), expected[name].numpy())
    assert answer.tickers == latest.tickers
    assert answer.horizons.tolist() == list(contract.HORIZONS)
    assert answer.model_version == "tiny-1"
    assert answer.served_version == 1


@tf_only
def test_status_and_metadata(client):
    assert client.wait_until_available(5.0) == 1
    (status,) = client.status()
    assert (status.version, status.state, status.error) == (1, AVAILABLE, "")
    metadata = client.metadata()
    assert metadata.version == 1
    forecast = metadata.signatures[contract.FORECAST_SIGNATURE]
    assert (forecast.inputs[contract.CLOSE].dtype, forecast.inputs[contract.CLOSE].shape) == (
        "DT_FLOAT",
        (-1, -1),
    )
    assert forecast.outputs[contract.MODEL_VERSION].dtype == "DT_STRING"
    assert list(metadata.signatures[contract.DEFAULT_SIGNATURE].inputs) == [contract.EXAMPLES_INPUT]


@tf_only
def test_the_answer_is_shaped_as_tensorflow_serving_shapes_it(stubs):
    response = stubs[0].Predict(make_request())
    assert response.model_spec.name == contract.MODEL_NAME
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == contract.FORECAST_SIGNATURE
    prices = response.outputs[contract.PRICE_QUANTILES]
    assert [dim.size for dim in prices.tensor_shape.dim] == [2, 5, 7]
    assert len(prices.float_val) == 70
    assert not prices.tensor_content


@tf_only
def test_the_default_signature_takes_examples(stubs):
    import tensorflow as tf

    request = make_request()
    request.model_spec.signature_name = contract.ROW_FORECAST_SIGNATURE
    by_columns = stubs[0].Predict(request)
    request.model_spec.signature_name = ""
    request.inputs.clear()
    request.inputs[contract.EXAMPLES_INPUT].CopyFrom(tf.make_tensor_proto(make_examples()))
    by_examples = stubs[0].Predict(request)
    assert by_examples.model_spec.signature_name == contract.DEFAULT_SIGNATURE
    assert by_examples.outputs.pop(contract.MODEL_VERSION).string_val == [b"tiny-1", b"tiny-1"]
    del by_columns.outputs[contract.MODEL_VERSION]
    assert by_examples.outputs == by_columns.outputs


@tf_only
def test_the_output_filter_is_honoured(stubs):
    request = make_request()
    request.output_filter.append(contract.LAST_CLOSE)
    assert list(stubs[0].Predict(request).outputs) == [contract.LAST_CLOSE]


@tf_only
def test_a_version_can_be_named(stubs):
    request = make_request()
    request.model_spec.version.value = 1
    assert stubs[0].Predict(request).model_spec.version.value == 1


@tf_only
def test_long_messages_are_cut(stubs):
    request = make_request()
    request.model_spec.name = "x" * 5000
    with pytest.raises(grpc.RpcError) as caught:
        stubs[0].Predict(request)
    assert caught.value.details().endswith("x...TRUNCATED")
    assert len(caught.value.details()) < 1100


@tf_only
def test_the_client_explains_refusals(server, client):
    with pytest.raises(InputError, match="at least 260, got 259"):
        client.forecast(make_frame(1, contract.LOOKBACK - 1))
    with (
        ForecastClient(server.address, model_name="other") as other,
        pytest.raises(ServingError, match=r"must serve the model other, got: .*Latest\(other\)"),
    ):
        other.forecast(make_frame())


@tf_only
def test_a_deadline_is_kept(client):
    with pytest.raises(ServingError, match=r"must answer within 1e-06 s, got no answer"):
        client.forecast(make_frame(), timeout_seconds=1e-6)


def test_nobody_there_is_said_so():
    with ForecastClient("127.0.0.1:1") as client:
        with pytest.raises(ServingError, match=r"127.0.0.1:1 must be a server that can be reached"):
            client.forecast(make_frame())
        with pytest.raises(
            ServingError, match=r"must have a version of marketcast within 0.3 s, got: .*Connection refused"
        ):
            client.wait_until_available(0.3)


@tf_only
def test_a_taken_port_is_said_so(server, base_path):
    from serving.server import Server

    with pytest.raises(ServingError, match=r"--port must be free on 127.0.0.1"):
        Server(ServerConfig(port=server.port, model_base_path=str(base_path)))


@tf_only
def test_a_server_without_versions_waits_for_one(exported, base_path):
    with serving(base_path) as server, ForecastClient(server.address) as client:
        with pytest.raises(ServingError, match="Could not find any versions of model marketcast"):
            client.status()
        with pytest.raises(ServingError, match=r"Servable not found for request: Latest\(marketcast\)"):
            client.forecast(make_frame())
        push(exported, 2, base_path)
        assert client.wait_until_available(60.0) == 2
        assert client.forecast(make_frame()).model_version == "tiny-2"


@pytest.mark.parametrize(
    "flags",
    [
        {"port": -1},
        {"port": 70000},
        {"file_system_poll_wait_seconds": -1.0},
        {"model_name": ""},
        {"host": ""},
    ],
)
def test_bad_flags_are_refused(flags):
    with pytest.raises(ConfigError, match=f"--{next(iter(flags))} must"):
        ServerConfig(**flags)


@tf_only
def test_connections_end_at_their_age_and_no_request_with_them(exported, base_path):
    push(exported, 1, base_path)
    states = []
    with (
        serving(base_path, grpc_channel_arguments="grpc.max_connection_age_ms=100") as server,
        grpc.insecure_channel(server.address) as channel,
        ForecastClient(server.address, max_attempts=1) as client,
    ):
        channel.subscribe(states.append, try_to_connect=True)
        deadline = time.monotonic() + 60.0
        while grpc.ChannelConnectivity.IDLE not in states[1:]:
            assert time.monotonic() < deadline, states
            assert client.forecast(make_frame()).model_version == "tiny-1"
    assert grpc.ChannelConnectivity.READY in states
