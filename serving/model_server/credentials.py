"""What --ssl_config_file says: TLS, and whether clients must show a certificate."""

from __future__ import annotations

import grpc

from components.errors import ConfigError
from serving.model_server.text_files import read_message
from serving.protos import server_files_pb2

FLAG = "ssl_config_file"
PEM_START = "-----BEGIN"


def read_credentials(path: str) -> grpc.ServerCredentials:
    """Reads an SSLConfig, whose fields hold the PEM texts themselves.

    Raises:
      ConfigError: the file is missing, cannot be parsed, or lacks a key or certificate.
    """
    config = read_message(FLAG, path, server_files_pb2.SSLConfig())
    needed = ["server_key", "server_cert", *(["custom_ca"] if config.client_verify else [])]
    for name in needed:
        if PEM_START not in getattr(config, name):
            raise ConfigError(
                f"--{FLAG} must give {name} in PEM, got {getattr(config, name)[:20]!r} in {path}; put the "
                f"text of the PEM file there, {PEM_START} and all"
            )
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
