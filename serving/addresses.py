"""The forms in which a server's address may be given."""

from __future__ import annotations

import dataclasses
import re

from components.errors import ConfigError

GRPC = "gRPC"
REST = "REST"
_URL_SCHEMES = {"grpc": (GRPC, False), "grpcs": (GRPC, True), "http": (REST, False), "https": (REST, True)}
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]@?#]+):(?P<port>\d{1,5})")
_NAMED_TARGET = re.compile(r"(?:dns|ipv4|ipv6|unix|unix-abstract):(?!\d+$)\S+")
"""gRPC's own forms, such as dns:///headless-service:8500 and unix:/run/serving.socket."""
MAX_PORT = (1 << 16) - 1


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where a server is.

    Attributes:
      protocol: GRPC or REST.
      target: of gRPC as its library takes it; of REST host:port, the port may be missing.
      is_secure: True for TLS, False for plain text, None where the address leaves it open.
      path: of REST, what comes before /v1; empty or /like/this.
    """

    protocol: str
    target: str
    is_secure: bool | None = None
    path: str = ""


def parse_address(address: str) -> Endpoint:
    """Reads host:port, a target of gRPC, or a URL of grpc, grpcs, http or https.

    Raises:
      ConfigError: it is none of these.
    """
    scheme, is_url, rest = address.partition("://")
    if is_url and scheme in _URL_SCHEMES:
        protocol, is_secure = _URL_SCHEMES[scheme]
        if protocol == REST:
            return _parse_http(address, is_secure)
        target = rest.rstrip("/")
        if _is_host_and_port(target):
            return Endpoint(GRPC, target, is_secure)
    elif _NAMED_TARGET.fullmatch(address) or _is_host_and_port(address):
        return Endpoint(GRPC, address)
    raise _refuse(address)


def _parse_http(address: str, is_secure: bool) -> Endpoint:
    import urllib.parse

    try:
        url = urllib.parse.urlsplit(address)
        is_whole = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or url.query or url.fragment or url.username is not None or re.search(r"\s", address):
        raise _refuse(address)
    return Endpoint(REST, url.netloc, is_secure, url.path.rstrip("/"))


def _is_host_and_port(text: str) -> bool:
    match = _HOST_AND_PORT.fullmatch(text)
    return match is not None and 0 < int(match["port"]) <= MAX_PORT


def _refuse(address: str) -> ConfigError:
    return ConfigError(
        f"a server's address must be host:port or a URL of grpc, grpcs, http or https, got {address!r}; "
        "write it like localhost:8500 or https://host:8501"
    )
