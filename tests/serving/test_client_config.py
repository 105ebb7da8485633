"""serving.client_config, serving.addresses and serving.connect: what a client may be told."""

from __future__ import annotations

import pytest

from components import contract
from components.errors import ConfigError
from serving.addresses import GRPC, REST, Endpoint, parse_address
from serving.client import ForecastClient
from serving.client_config import MAX_TICKERS, ClientConfig, configure
from serving.connect import connect
from serving.rest_client import RestForecastClient

GRPC_DEFAULT_LIMIT_BYTES = 4 << 20


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("localhost:8500", Endpoint(GRPC, "localhost:8500")),
        ("[::1]:8500", Endpoint(GRPC, "[::1]:8500")),
        ("dns:8500", Endpoint(GRPC, "dns:8500")),
        ("dns:///serving.prod.svc:8500", Endpoint(GRPC, "dns:///serving.prod.svc:8500")),
        ("ipv4:10.0.0.1:8500,10.0.0.2:8500", Endpoint(GRPC, "ipv4:10.0.0.1:8500,10.0.0.2:8500")),
        ("unix:/run/serving.socket", Endpoint(GRPC, "unix:/run/serving.socket")),
        ("grpc://host:8500", Endpoint(GRPC, "host:8500", False)),
        ("grpcs://host:443/", Endpoint(GRPC, "host:443", True)),
        ("http://host", Endpoint(REST, "host", False)),
        ("http://[::1]:8501", Endpoint(REST, "[::1]:8501", False)),
        ("https://host:8501/serving/prod/", Endpoint(REST, "host:8501", True, "/serving/prod")),
    ],
)
def test_addresses_are_read(address, endpoint):
    assert parse_address(address) == endpoint


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host",
        "host:",
        "host:0",
        "host:65536",
        "host:grpc",
        "::1:8500",
        "ho st:8500",
        "host:8500/path",
        "grpc://host",
        "grpcs://host:1/path",
        "ftp://host:21",
        "http://",
        "http://host:99999",
        "http://host:0",
        "http://user:secret@host:1",
        "http://host:1/?a=b",
        "https://ho st:1",
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="a server's address must be host:port or a URL"):
        ClientConfig(address)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"model_name": ""}, "model_name must not be empty"),
        ({"version": 1, "label": "stable"}, "by number or by label, got both 1 and 'stable'"),
        ({"version": -1}, "version must be at least 0, got -1"),
        ({"timeout_seconds": 0.0}, "timeout_seconds must be positive and finite, got 0"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds must be positive and finite, got nan"),
        ({"timeout_seconds": float("inf")}, "timeout_seconds must be positive and finite, got inf"),
        ({"max_attempts": 0}, "max_attempts must be in 1 .. 5, got 0"),
        ({"max_attempts": 6}, "max_attempts must be in 1 .. 5, got 6"),
        ({"max_tickers": 0}, "max_tickers must be at least 1"),
        ({"max_parallel": 0}, "max_parallel must be at least 1"),
        ({"keepalive_seconds": 1.0}, "keepalive_seconds must be 0 or at least 10, got 1"),
        ({"headers": {"Authorization": "x"}}, "a header's name must be of a-z, .* got 'Authorization'"),
        (
            {"headers": {"authorization": "secret\n"}},
            "the header authorization must be one line of printable",
        ),
        ({"headers": {"authorization": b"secret"}}, "the header authorization must be one line of printable"),
    ],
)
def test_bad_settings_are_refused(settings, reason):
    with pytest.raises(ConfigError, match=reason) as caught:
        ClientConfig("host:1", **settings)
    assert "secret" not in str(caught.value)


def test_headers_of_a_callable_are_checked_when_they_are_asked_for():
    config = ClientConfig("host:1", headers=lambda: {"a": "b\n"})
    with pytest.raises(ConfigError, match="the header a must be"):
        config.read_headers()


def test_settings_go_over_those_of_a_config():
    config = ClientConfig("host:1", label="stable", timeout_seconds=3.0)
    assert configure(config, {"timeout_seconds": 5.0}) == ClientConfig(
        "host:1", label="stable", timeout_seconds=5.0
    )
    assert configure("host:1", {}).model_name == contract.MODEL_NAME
    with pytest.raises(TypeError, match="retries"):
        connect("host:1", retries=3)


def test_secrets_are_not_shown():
    assert "secret" not in repr(ClientConfig("host:1", headers={"authorization": "secret"}))


def test_a_full_request_is_within_what_grpc_takes():
    float_bytes = 4
    assert (
        MAX_TICKERS * contract.LOOKBACK * len(contract.BAR_COLUMNS) * float_bytes
        < 0.9 * GRPC_DEFAULT_LIMIT_BYTES
    )


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("host:8500", ForecastClient),
        ("grpcs://host:8500", ForecastClient),
        ("http://host:8501", RestForecastClient),
        ("https://host", RestForecastClient),
    ],
)
def test_the_address_chooses_the_client(address, kind):
    with connect(address) as client:
        assert type(client) is kind
        assert client.address == address


def test_a_grpc_client_refuses_an_address_of_rest():
    with pytest.raises(ConfigError, match="a gRPC client's address must be host:port, grpc:// or grpcs://"):
        ForecastClient("http://host:8501")
