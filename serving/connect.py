"""A client for any address."""

from __future__ import annotations

from typing import Any

from serving.addresses import REST
from serving.blocking_client import BlockingClient
from serving.client_config import ClientConfig, configure


def connect(target: str | ClientConfig, **settings: Any) -> BlockingClient:
    """Makes the client of the address: of REST for http and https, else of gRPC.

    Args:
      target: address of the server, or a whole config.
      **settings: fields of serving.client_config.ClientConfig by name.
    Raises:
      ConfigError: a value is wrong, or a file of certificates cannot be used.
    """
    config = configure(target, settings)
    # Each library takes a tenth of a second to import, and only one is needed.
    if config.endpoint.protocol == REST:
        from serving.rest_client import RestForecastClient

        return RestForecastClient(config)
    from serving.client import ForecastClient

    return ForecastClient(config)
