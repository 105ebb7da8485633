"""The certificates of a connection, read and checked before it is made."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING

from components.errors import ConfigError

if TYPE_CHECKING:
    import ssl

Pem = str | os.PathLike[str] | bytes
"""Path of a PEM file, or what would be in it."""
CERTIFICATE_MARK = b"-----BEGIN CERTIFICATE-----"
PRIVATE_KEY_MARK = b"PRIVATE KEY-----"


@dataclasses.dataclass(frozen=True)
class TlsConfig:
    """How both sides prove who they are.

    Attributes:
      roots: certificates that the server's must go back to; None takes the authorities that the world trusts.
      certificate: the client's own, with what lies between it and its root; for servers that ask (mTLS).
      private_key: of that certificate, without a password.
    """

    roots: Pem | None = None
    certificate: Pem | None = None
    private_key: Pem | None = dataclasses.field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.private_key is None):
            missing = "private key" if self.private_key is None else "certificate"
            raise ConfigError(
                f"the client's certificate and private key must come together, got no {missing}; give both, "
                "or none"
            )


@dataclasses.dataclass(frozen=True)
class Credentials:
    """What a TlsConfig names, as PEM; it has been checked."""

    roots: bytes | None
    certificate: bytes | None
    private_key: bytes | None = dataclasses.field(repr=False)


def read_credentials(config: TlsConfig) -> Credentials:
    """Reads the files; gRPC itself would take anything, and fail without a reason at the first call.

    Raises:
      ConfigError: a file cannot be read, holds something else, or the key is of another certificate.
    """
    credentials = Credentials(
        _read_pem("the root certificates", config.roots, CERTIFICATE_MARK),
        _read_pem("the client's certificate", config.certificate, CERTIFICATE_MARK),
        _read_pem("the client's private key", config.private_key, PRIVATE_KEY_MARK),
    )
    make_ssl_context(credentials)
    return credentials


def make_ssl_context(credentials: Credentials) -> ssl.SSLContext:
    """The context of a client that asks the server for its certificate.

    Raises:
      ConfigError: OpenSSL refuses the certificates.
    """
    import ssl

    roots = credentials.roots.decode("ascii", "replace") if credentials.roots else None
    try:
        context = ssl.create_default_context(cadata=roots)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(
            f"the root certificates must be certificates in PEM form, got {error}; export them again"
        ) from error
    if credentials.certificate and credentials.private_key:
        try:
            load_pair(context, credentials.certificate, credentials.private_key)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the client's private key must be that of its certificate, without a password, got {error}; "
                "give the pair that was issued together"
            ) from error
    return context


def load_pair(context: ssl.SSLContext, certificate: bytes, private_key: bytes) -> None:
    """Gives a context its side's certificate; OpenSSL's binding takes files only.

    Raises:
      OSError: OpenSSL refuses them, or the key is of another certificate.
      ValueError: the key has a password.
    """
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "own.pem"
        file.touch(mode=0o600)
        file.write_bytes(private_key + b"\n" + certificate)
        # A password, else OpenSSL asks the terminal for the one of an encrypted key.
        context.load_cert_chain(file, password="")


def _read_pem(title: str, pem: Pem | None, mark: bytes) -> bytes | None:
    if pem is None:
        return None
    if isinstance(pem, bytes):
        content, source = pem, "bytes"
    else:
        source = os.fspath(pem)
        try:
            content = pathlib.Path(pem).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{title} must be a file that can be read, got {source}: {error.strerror}; check the path"
            ) from error
    if mark not in content:
        raise ConfigError(
            f"{title} must be in PEM form, got {source} without {mark.decode().strip('-')!r}; convert it, as "
            "with `openssl x509 -in FILE -out FILE.pem`"
        )
    return content
