"""What --ssl_config_file says: TLS, and whether clients must show a certificate."""

from __future__ import annotations

import ssl

import grpc

from components.errors import ConfigError
from serving.model_server.text_files import read_message
from serving.protos import server_files_pb2
from serving.tls import load_pair

FLAG = "ssl_config_file"
PEM_START = "-----BEGIN"


def read_credentials(path: str) -> grpc.ServerCredentials:
    """Reads an SSLConfig, whose fields hold the PEM texts themselves.

    Raises:
      ConfigError: the file is missing, cannot be parsed, or holds no key or certificate that can be used.
    """
    config = read_message(FLAG, path, server_files_pb2.SSLConfig())
    needed = ["server_key", "server_cert", *(["custom_ca"] if config.client_verify else [])]
    for name in needed:
        if PEM_START not in getattr(config, name):
            raise ConfigError(
                f"--{FLAG} must give {name} in PEM, got {getattr(config, name)[:20]!r} in {path}; put the "
                f"text of the PEM file there, {PEM_START} and all"
            )
    _check(config, path)
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def _check(config: server_files_pb2.SSLConfig, path: str) -> None:
    """Lets OpenSSL try them: gRPC would take the port, or not, without a reason."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        load_pair(context, config.server_cert.encode(), config.server_key.encode())
        if config.custom_ca:
            context.load_verify_locations(cadata=config.custom_ca)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--{FLAG} must hold a key and its certificate, without a password, and whole authorities, got "
            f"{error} in {path}; put the pair there that was issued together"
        ) from error
