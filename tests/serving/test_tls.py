"""serving.tls, over real sockets: who is let in, and what is said to who is not."""

from __future__ import annotations

import contextlib
import ssl

import grpc
import pytest

from components.errors import ConfigError, ServingError
from serving.connect import connect
from serving.tls import TlsConfig, read_credentials
from tests.serving import rest_stand_in, stand_in
from tests.serving.certificates import DAY, Authority

AUTHORITY, STRANGER = Authority("ours"), Authority("not ours")
SERVER, CLIENT = AUTHORITY.issue(), AUTHORITY.issue()
EXPIRED, FOREIGN = AUTHORITY.issue(valid_until=-DAY), STRANGER.issue()
PROTOCOLS = ("grpcs", "https")
TIMEOUT_SECONDS = 20.0


@contextlib.contextmanager
def listening(protocol, pair, asks_clients, folder):
    """The URL of a server over TLS, or in plain text where there is no pair."""
    roots = AUTHORITY.certificate if asks_clients else None
    with contextlib.ExitStack() as stack:
        if protocol == "grpcs":
            chain = [(pair.private_key, pair.certificate)] if pair else []
            credentials = grpc.ssl_server_credentials(chain, roots, asks_clients) if pair else None
            address = stack.enter_context(stand_in.listening(stand_in.StandIn(), credentials))
        else:
            context = make_context(pair, roots, folder) if pair else None
            address = stack.enter_context(rest_stand_in.listening(rest_stand_in.RestStandIn(), context))
        yield f"{protocol}://{address}"


def make_context(pair, roots, folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = folder / "server.pem"
    file.write_bytes(pair.private_key + pair.certificate)
    context.load_cert_chain(file)
    if roots:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=roots.decode())
    return context


def ask(address, tls):
    with connect(address, tls=tls, timeout_seconds=TIMEOUT_SECONDS, max_attempts=2) as client:
        return client.status()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("asks_clients", [False, True])
def test_who_proves_who_he_is_is_answered(protocol, asks_clients, tmp_path):
    own = (CLIENT.certificate, CLIENT.private_key) if asks_clients else ()
    with listening(protocol, SERVER, asks_clients, tmp_path) as address:
        assert ask(address, TlsConfig(AUTHORITY.certificate, *own))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("server", "asks_clients", "tls", "reason"),
    [
        (
            SERVER,
            False,
            TlsConfig(STRANGER.certificate),
            "(?i:certificate.verify.failed).*check the server's",
        ),
        (SERVER, False, None, "(?i:certificate.verify.failed)"),
        (EXPIRED, False, TlsConfig(AUTHORITY.certificate), "certificate has expired"),
        (SERVER, True, TlsConfig(AUTHORITY.certificate), "client's (own|certificate)"),
        (
            SERVER,
            True,
            TlsConfig(AUTHORITY.certificate, FOREIGN.certificate, FOREIGN.private_key),
            "client's (own|certificate)",
        ),
        (None, False, TlsConfig(AUTHORITY.certificate), "speak plain text"),
    ],
    ids=["wrong roots", "no roots", "expired", "no certificate", "foreign certificate", "plain server"],
)
def test_who_does_not_is_refused_in_one_line(protocol, server, asks_clients, tls, reason, tmp_path):
    with (
        listening(protocol, server, asks_clients, tmp_path) as address,
        pytest.raises(ServingError, match=f"must be a server that can be reached, got: .*{reason}") as caught,
    ):
        ask(address, tls)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_text_is_refused_by_a_server_of_tls(protocol, tmp_path):
    with (
        listening(protocol, SERVER, False, tmp_path) as address,
        pytest.raises(ServingError, match="whether the server wants TLS"),
    ):
        ask(address.replace("s://", "://"), None)


def test_a_bare_address_with_certificates_is_one_of_tls(tmp_path):
    with listening("grpcs", SERVER, False, tmp_path) as address:
        assert ask(address.removeprefix("grpcs://"), TlsConfig(AUTHORITY.certificate))


def test_files_and_bytes_are_the_same(tmp_path):
    files = [tmp_path / name for name in ("roots", "certificate", "key")]
    contents = (AUTHORITY.certificate, CLIENT.certificate, CLIENT.private_key)
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    assert read_credentials(TlsConfig(*map(str, files))) == read_credentials(TlsConfig(*contents))


def test_a_private_key_is_not_shown():
    assert "PRIVATE" not in repr(TlsConfig(AUTHORITY.certificate, CLIENT.certificate, CLIENT.private_key))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: TlsConfig(certificate=CLIENT.certificate), "got no private key; give both"),
        (lambda: TlsConfig(private_key=CLIENT.private_key), "got no certificate; give both"),
        (lambda: TlsConfig(roots="/nowhere/ca.pem"), "must be a file that can be read, got /nowhere/ca.pem"),
        (
            lambda: TlsConfig(roots=b"\x30\x82"),
            "the root certificates must be in PEM form, got bytes without",
        ),
        (
            lambda: TlsConfig(roots=b"-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n"),
            "must be certificates in PEM form",
        ),
        (
            lambda: TlsConfig(AUTHORITY.certificate, CLIENT.certificate, SERVER.private_key),
            "must be that of its certificate",
        ),
        (
            lambda: TlsConfig(AUTHORITY.certificate, CLIENT.certificate, b"-----BEGIN PRIVATE KEY-----\nx"),
            "must be that of its certificate",
        ),
        (
            lambda: TlsConfig(None, *locked()),
            "must be that of its certificate, without a password",
        ),
        (
            lambda: TlsConfig(AUTHORITY.certificate, CLIENT.private_key, CLIENT.certificate),
            "the client's certificate must be in PEM form",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_before_a_call(make, reason):
    with pytest.raises(ConfigError, match=reason):
        read_credentials(make())


def locked():
    pair = AUTHORITY.issue(password=b"secret")
    return pair.certificate, pair.private_key


def test_certificates_for_plain_text_are_refused():
    with pytest.raises(ConfigError, match="an address with certificates must be one of TLS, got grpc://h:1"):
        connect("grpc://h:1", tls=TlsConfig(AUTHORITY.certificate))
