"""serving.connection_flags, and the flags of `marketcast forecast` that fill it, against real servers."""

from __future__ import annotations

import json

import click.testing
import grpc
import pytest

from components.errors import ConfigError
from pipeline.cli import main
from serving.connection_flags import ConnectionFlags
from tests.serving import rest_stand_in, stand_in
from tests.serving.certificates import Authority
from tests.serving.sample_bars import make_frame

AUTHORITY = Authority("ours")
SERVER, CLIENT = AUTHORITY.issue(), AUTHORITY.issue()


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `marketcast forecast` on a file of bars."""
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")
    make_frame(2, 300).to_csv(tmp_path / "bars.csv", index=False)

    def invoke(*flags):
        command = [
            "forecast",
            "--data",
            str(tmp_path / "bars.csv"),
            "--ticker",
            "S000,S001",
            "--json",
            *flags,
        ]
        return click.testing.CliRunner().invoke(main, command)

    return invoke


@pytest.fixture
def files(tmp_path):
    """Names of files of certificates and of a token."""
    contents = {
        "ca": AUTHORITY.certificate,
        "cert": CLIENT.certificate,
        "key": CLIENT.private_key,
        "token": b"abc\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in contents}


def test_all_flags_reach_a_server(run, files):
    there = stand_in.StandIn()
    there.versions, there.labels = [1, 2, 3], {"stable": 2}
    credentials = grpc.ssl_server_credentials(
        [(SERVER.private_key, SERVER.certificate)], AUTHORITY.certificate, require_client_auth=True
    )
    with stand_in.listening(there, credentials) as address:
        flags = ["--address", f"grpcs://{address}", "--tls-ca", files["ca"], "--tls-cert", files["cert"]]
        flags += ["--tls-key", files["key"], "--token-file", files["token"], "--timeout", "20"]
        labelled, numbered = run(*flags, "--label", "stable"), run(*flags, "--model-version", "1")
    assert json.loads(labelled.stdout)["served_version"] == 2, labelled.stderr
    assert json.loads(numbered.stdout)["served_version"] == 1
    assert there.calls[0].headers["authorization"] == "Bearer abc"


def test_a_url_of_http_is_asked_over_rest(run, files):
    there = rest_stand_in.RestStandIn()
    with rest_stand_in.listening(there) as address:
        result = run("--address", f"http://{address}", "--token-file", files["token"])
    assert [one["ticker"] for one in json.loads(result.stdout)["forecasts"]] == ["S000", "S001"]
    assert there.calls[0].headers["authorization"] == "Bearer abc"


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--address", "nowhere"], "a server's address must be host:port or a URL"),
        (["--address", "h:1", "--timeout", "0"], "timeout_seconds must be positive"),
        (["--address", "h:1", "--label", "a", "--model-version", "1"], "got both 1 and 'a'"),
        (["--address", "http://h:1", "--tls-ca", "ca.pem"], "must be one of TLS, got http://h:1"),
        (["--address", "h:1", "--tls-cert", "cert.pem"], "got no private key"),
        (["--address", "h:1", "--tls-ca", "/nowhere/ca.pem"], "got /nowhere/ca.pem: No such file"),
        (["--address", "h:1", "--token-file", "/nowhere/token"], "--token-file must be a file of one token"),
        (["--token-file", "token"], "--token-file must come with the --address of a server, got token alone"),
        (["--model-version", "0"], "--model-version must come with the --address"),
    ],
)
def test_bad_flags_are_refused_in_one_line(run, flags, reason):
    result = run(*flags)
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert reason in result.stderr


def test_a_server_that_refuses_ends_with_its_exit_code(run):
    result = run("--address", "127.0.0.1:1", "--timeout", "5")
    assert result.exit_code == 5
    assert result.stderr.startswith("error: 127.0.0.1:1 must be a server that can be reached")


def test_a_token_is_read_again_for_each_call(tmp_path):
    file = tmp_path / "token"
    config = ConnectionFlags(token_file=str(file)).make_config("h:1")
    for token in ("one", "two"):
        file.write_text(token)
        assert config.read_headers() == {"authorization": f"Bearer {token}"}
    file.write_text(" \n")
    with pytest.raises(ConfigError, match="--token-file must hold a token"):
        config.read_headers()
