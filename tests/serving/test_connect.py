"""Both clients against the embedded server: over gRPC and REST they tell the same."""

from __future__ import annotations

import contextlib
import socket

import grpc
import numpy as np
import pytest

from components import contract
from components.errors import ServingError
from serving.answers import AVAILABLE, NOT_SERVING, SERVING
from serving.connect import connect
from serving.tls import TlsConfig
from tests.serving.certificates import Authority
from tests.serving.conftest import push, serving
from tests.serving.sample_bars import make_frame, make_mapping

pytestmark = pytest.mark.tf
PROTOCOLS = ("grpc", "http")
BARS = make_mapping(make_frame(5))
TIMEOUT_SECONDS = 60.0
CONFIG = """
model_config_list {{ config {{
  name: "marketcast" base_path: "{base_path}" model_platform: "tensorflow"
  model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
  version_labels {{ key: "stable" value: 1 }} version_labels {{ key: "canary" value: 2 }}
}} }}
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def both_clients(base_path, flags=None, **settings):
    """Clients over gRPC and REST of one server."""
    with serving(base_path, rest_api_port=free_port(), **(flags or {})) as server:
        addresses = {"grpc": f"grpc://{server.address}", "http": f"http://127.0.0.1:{server.rest_port}"}
        with contextlib.ExitStack() as stack:
            yield {
                protocol: stack.enter_context(
                    connect(address, **{"timeout_seconds": TIMEOUT_SECONDS, **settings})
                )
                for protocol, address in addresses.items()
            }


def test_both_tell_the_same_to_the_bit(exported, base_path):
    push(exported, 1, base_path)
    with both_clients(base_path) as clients:
        over_grpc, over_rest = (clients[protocol].forecast(BARS) for protocol in PROTOCOLS)
        assert clients["grpc"].status() == clients["http"].status()
        assert clients["grpc"].metadata() == clients["http"].metadata()
        assert all(client.health() == SERVING for client in clients.values())
        assert all(client.wait_until_available(TIMEOUT_SECONDS) == 1 for client in clients.values())
    for name in ("return_quantiles", "price_quantiles", "last_close", "levels", "horizons", "as_of"):
        np.testing.assert_array_equal(getattr(over_grpc, name), getattr(over_rest, name))
        assert getattr(over_grpc, name).dtype == getattr(over_rest, name).dtype
    assert (over_grpc.model_version, over_grpc.served_version) == ("tiny-1", 1)
    assert (over_rest.model_version, over_rest.served_version) == ("tiny-1", 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_batches_are_joined_while_the_version_is_swapped(protocol, exported, base_path):
    push(exported, 1, base_path)
    with both_clients(base_path, max_tickers=1) as clients:
        client = clients[protocol]
        assert client.forecast(BARS).served_version == 1
        push(exported, 2, base_path)
        seen = {1}
        for _ in range(500):
            forecast = client.forecast(BARS)
            assert forecast.model_version == f"tiny-{forecast.served_version}"
            seen.add(forecast.served_version)
            if client.status()[-1].state != AVAILABLE:
                break
        assert client.forecast(BARS).served_version == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_labels_and_versions_are_followed(protocol, exported, base_path, tmp_path):
    for version in (1, 2):
        push(exported, version, base_path)
    file = tmp_path / "models.config"
    file.write_text(CONFIG.format(base_path=base_path))
    with both_clients(
        base_path, {"model_config_file": str(file), "allow_version_labels_for_unavailable_models": True}
    ) as clients:
        config = clients[protocol].config
        answers = {}
        for settings in ({}, {"version": 1}, {"label": "stable"}, {"label": "canary"}):
            with connect(config, **settings) as client:
                assert client.metadata().version == client.wait_until_available(TIMEOUT_SECONDS)
                answers[tuple(settings.values())] = client.forecast(BARS).served_version
        assert answers == {(): 2, (1,): 1, ("stable",): 1, ("canary",): 2}
        with connect(config, label="gone") as client, pytest.raises(ServingError, match="check the label"):
            client.forecast(BARS)
        with (
            connect(config, version=9) as client,
            pytest.raises(ServingError, match="check the model's name"),
        ):
            client.forecast(BARS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_joins_requests_is_asked_by_rows(protocol, exported, base_path):
    push(exported, 1, base_path)
    with both_clients(base_path, {"enable_batching": True}) as clients:
        client = clients[protocol]
        with connect(client.config, by_rows=True) as by_rows:
            forecast = by_rows.forecast(BARS)
        with pytest.raises(ServingError, match=r"Batched output tensor.*; ask with by_rows"):
            client.forecast(BARS)
    assert forecast.horizons.tolist() == list(contract.HORIZONS)
    assert forecast.levels.tolist() == list(contract.QUANTILE_LEVELS)
    assert forecast.model_version == "tiny-1"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_without_a_version_is_not_serving(protocol, exported, base_path):
    with both_clients(base_path) as clients:
        assert clients[protocol].health() == NOT_SERVING
        with pytest.raises(ServingError, match="must serve the model marketcast"):
            clients[protocol].forecast(BARS)
        push(exported, 3, base_path)
        assert clients[protocol].wait_until_available(TIMEOUT_SECONDS) == 3
        assert clients[protocol].forecast(BARS).served_version == 3


def test_the_embedded_server_proves_who_it_is(exported, base_path, tmp_path):
    authority = Authority("ours")
    pair, own = authority.issue(), authority.issue()
    escaped = {
        "server_key": pair.private_key,
        "server_cert": pair.certificate,
        "custom_ca": authority.certificate,
    }
    lines = [f'{name}: "{pem.decode()}"'.replace("\n", "\\n") for name, pem in escaped.items()]
    file = tmp_path / "ssl.config"
    file.write_text("\n".join([*lines, "client_verify: true"]))
    push(exported, 1, base_path)
    with serving(base_path, ssl_config_file=str(file)) as server:
        tls = TlsConfig(authority.certificate, own.certificate, own.private_key)
        with connect(f"grpcs://{server.address}", tls=tls) as client:
            assert client.forecast(BARS).model_version == "tiny-1"
        with (
            connect(server.address, max_attempts=1) as client,
            pytest.raises(ServingError, match="whether the server wants TLS"),
        ):
            client.status()


def test_a_stub_of_tensorflow_serving_and_the_client_agree_on_health(exported, base_path):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    push(exported, 1, base_path)
    with serving(base_path) as server, grpc.insecure_channel(server.address) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        with connect(server.address) as client:
            assert client.health() == health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
