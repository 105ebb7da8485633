"""serving.model_server.credentials, over real sockets: whom a server with --ssl_config_file lets in."""

from __future__ import annotations

import json

import pytest

from components.errors import ConfigError, ServingError
from serving.connect import connect
from serving.model_server.credentials import read_credentials
from serving.tls import TlsConfig
from tests.serving.certificates import DAY, Authority
from tests.serving.conftest import push, serving
from tests.serving.sample_bars import make_frame

AUTHORITY, STRANGER = Authority("ours"), Authority("not ours")
SERVER, CLIENT = AUTHORITY.issue(), AUTHORITY.issue()
EXPIRED, FOREIGN = AUTHORITY.issue(valid_until=-DAY), STRANGER.issue()
TIMEOUT_SECONDS = 20.0


def write_config(folder, pair=SERVER, roots=AUTHORITY.certificate, client_verify=True):
    """An SSLConfig in text format."""
    fields = {"server_key": pair.private_key, "server_cert": pair.certificate, "custom_ca": roots}
    lines = [f"{name}: {json.dumps(text.decode())}" for name, text in fields.items() if text]
    path = folder / "ssl.config"
    path.write_text("\n".join([*lines, f"client_verify: {str(client_verify).lower()}"]))
    return path


def proof(pair):
    return TlsConfig(AUTHORITY.certificate, pair.certificate, pair.private_key)


NAMELESS = TlsConfig(AUTHORITY.certificate)
REFUSED = {
    "no certificate": ("grpcs", NAMELESS),
    "signed by a stranger": ("grpcs", proof(FOREIGN)),
    "expired": ("grpcs", proof(EXPIRED)),
    "in plain text": ("grpc", None),
}


def ask(protocol, server, tls):
    address = f"{protocol}://{server.address}"
    with connect(address, tls=tls, timeout_seconds=TIMEOUT_SECONDS, max_attempts=1) as client:
        return client.forecast(make_frame(1)).served_version


@pytest.fixture(scope="module")
def strict(exported, tmp_path_factory):
    """A server that wants to see certificates."""
    folder = tmp_path_factory.mktemp("mutual")
    base_path = folder / "models"
    base_path.mkdir()
    push(exported, 1, base_path)
    with serving(base_path, ssl_config_file=str(write_config(folder))) as server:
        yield server


@pytest.mark.tf
@pytest.mark.parametrize("who", REFUSED)
def test_who_proves_nothing_is_refused(who, strict):
    protocol, tls = REFUSED[who]
    with pytest.raises(ServingError):
        ask(protocol, strict, tls)
    assert ask("grpcs", strict, proof(CLIENT)) == 1, "the server lives on"


@pytest.mark.tf
def test_without_client_verify_nobody_has_to_prove_anything_but_speak_tls(exported, base_path, tmp_path):
    push(exported, 1, base_path)
    config = write_config(tmp_path, roots=b"", client_verify=False)
    with serving(base_path, ssl_config_file=str(config)) as server:
        assert ask("grpcs", server, NAMELESS) == 1
        with pytest.raises(ServingError):
            ask("grpc", server, None)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda text: text.replace("server_key", "server_kye"), "ssl.config.*server_kye"),
        (lambda text: text.replace("-----BEGIN PRIVATE", "-----OPEN PRIVATE"), "must give server_key in PEM"),
        (lambda _: "client_verify: true\n", "must give server_key in PEM"),
    ],
    ids=["misspelt", "no PEM", "keyless"],
)
def test_a_config_that_cannot_be_is_told(harm, message, tmp_path):
    path = write_config(tmp_path)
    path.write_text(harm(path.read_text()))
    with pytest.raises(ConfigError, match=message):
        read_credentials(str(path))


def test_to_verify_clients_takes_an_authority(tmp_path):
    with pytest.raises(ConfigError, match="must give custom_ca in PEM"):
        read_credentials(str(write_config(tmp_path, roots=b"")))


@pytest.mark.tf
@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text.replace("MII", "M!I"),
        lambda text: text.replace(
            json.dumps(SERVER.private_key.decode()), json.dumps(CLIENT.private_key.decode())
        ),
        lambda text: text.replace(json.dumps(AUTHORITY.certificate.decode())[40:60], "*" * 20),
    ],
    ids=["garbled", "key of another certificate", "garbled authority"],
)
def test_certificates_that_cannot_be_used_are_told(harm, base_path, tmp_path):
    path = write_config(tmp_path)
    path.write_text(harm(path.read_text()))
    with (
        pytest.raises(ConfigError, match=r"--ssl_config_file must hold a key and its certificate"),
        serving(base_path, ssl_config_file=str(path)),
    ):
        pass
