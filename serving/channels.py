"""gRPC's channel to a server: how it balances, tries again and proves who it is."""

from __future__ import annotations

import json
from typing import Any

import grpc

from components.errors import ConfigError
from serving.addresses import GRPC
from serving.client_config import (
    BACKOFF_MULTIPLIER,
    FIRST_BACKOFF_SECONDS,
    MAX_BACKOFF_SECONDS,
    ClientConfig,
)
from serving.requests import METHODS
from serving.tls import TlsConfig, read_credentials

RETRY_BUFFER_BYTES = 1 << 26
"""A request that does not fit is not tried again; gRPC's own limit of 256 KiB is 40 tickers."""
KEEPALIVE_TIMEOUT_SECONDS = 10.0
TRIED_AGAIN = ("UNAVAILABLE", "CANCELLED")
"""What a server answers that is not there, or that stops just as a call reaches it: what gRPC took in and
not yet handed on ends with CANCELLED then. A call that its own client cancels is not tried again."""


def make_channel(config: ClientConfig, library: Any = grpc) -> Any:
    """Makes a channel; it connects at the first call.

    Args:
      config: whom to reach.
      library: grpc, or grpc.aio for a channel of asyncio.
    Raises:
      ConfigError: the address is one of REST, or a file of certificates cannot be used.
    """
    if config.endpoint.protocol != GRPC:
        raise ConfigError(
            f"a gRPC client's address must be host:port, grpc:// or grpcs://, got {config.address}; use "
            "serving.connect for those of REST"
        )
    options = make_options(config)
    if not config.is_secure:
        return library.insecure_channel(config.endpoint.target, options=options)
    credentials = read_credentials(config.tls or TlsConfig())
    return library.secure_channel(
        config.endpoint.target,
        grpc.ssl_channel_credentials(credentials.roots, credentials.private_key, credentials.certificate),
        options=options,
    )


def make_options(config: ClientConfig) -> list[tuple[str, int | str]]:
    """The options of the channel.

    Source: https://github.com/grpc/grpc/blob/master/include/grpc/impl/channel_arg_names.h
    """
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        # Else a server that starts a moment later is found a second later.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 5000),
        ("grpc.per_rpc_retry_buffer_size", RETRY_BUFFER_BYTES),
        ("grpc.service_config", json.dumps(_make_service_config(config))),
    ]
    if config.keepalive_seconds:
        options += [
            ("grpc.keepalive_time_ms", int(1000 * config.keepalive_seconds)),
            ("grpc.keepalive_timeout_ms", int(1000 * KEEPALIVE_TIMEOUT_SECONDS)),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.max_pings_without_data", 0),
        ]
    return options


def _make_service_config(config: ClientConfig) -> dict[str, Any]:
    """Source: https://github.com/grpc/grpc-proto/blob/master/grpc/service_config/service_config.proto"""
    service_config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if config.max_attempts > 1:
        names = [method.path.strip("/").split("/") for method in METHODS]
        service_config["methodConfig"] = [
            {
                "name": [{"service": service, "method": method} for service, method in names],
                "retryPolicy": {
                    "maxAttempts": config.max_attempts,
                    "initialBackoff": f"{FIRST_BACKOFF_SECONDS}s",
                    "maxBackoff": f"{MAX_BACKOFF_SECONDS}s",
                    "backoffMultiplier": BACKOFF_MULTIPLIER,
                    "retryableStatusCodes": list(TRIED_AGAIN),
                },
            }
        ]
    return service_config
