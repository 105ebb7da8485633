"""Whom a client asks, and how; checked before anything is sent."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Mapping

from components import contract
from components.errors import ConfigError
from serving.addresses import Endpoint, parse_address
from serving.tls import TlsConfig

Headers = Mapping[str, str]
TIMEOUT_SECONDS = 10.0
MAX_ATTEMPTS = 4
ATTEMPTS_LIMIT = 5
"""gRPC counts no further. Source: https://github.com/grpc/proposal/blob/master/A6-client-retries.md"""
FIRST_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 2.0
BACKOFF_MULTIPLIER = 2.0
"""Between two tries, less a random part."""
MAX_TICKERS = 512
"""Their bars are 3.2 MB, within the 4 MiB that gRPC takes where nobody has set a limit."""
MAX_PARALLEL = 4
MIN_KEEPALIVE_SECONDS = 10.0
"""gRPC pings no oftener."""
_HEADER_NAME = re.compile(r"[0-9a-z_.-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


@dataclasses.dataclass(frozen=True)
class ClientConfig:
    """A server, a model of it, and how patiently they are asked.

    Attributes:
      address: host:port, a target of gRPC such as dns:///service:8500, or a URL; see serving.addresses.
      model_name: what the server calls the model.
      version: the one to ask; None leaves it to the server or to the label.
      label: of the version to ask, such as stable; empty for none.
      by_rows: ask contract.ROW_FORECAST_SIGNATURE, as a server wants that joins requests into batches.
      timeout_seconds: deadline of each call that names none, retries included.
      max_attempts: tries of each call while the server cannot be reached or stops, 1 .. ATTEMPTS_LIMIT.
      max_tickers: of one request; more are sent as several. At most three quarters as many see the market
        that they make, where the model has market features: their days are sent too.
      max_parallel: requests of one forecast under way at a time.
      keepalive_seconds: between pings on a quiet gRPC connection; 0 sends none. Servers that have not been
        told otherwise refuse pings more frequent than every 300 s.
      tls: None is plain text, or the authorities that the world trusts where the address wants TLS.
      headers: sent with each call, names in small letters; a callable is asked for them at each call.
    """

    address: str
    model_name: str = contract.MODEL_NAME
    version: int | None = None
    label: str = ""
    by_rows: bool = False
    timeout_seconds: float = TIMEOUT_SECONDS
    max_attempts: int = MAX_ATTEMPTS
    max_tickers: int = MAX_TICKERS
    max_parallel: int = MAX_PARALLEL
    keepalive_seconds: float = 0.0
    tls: TlsConfig | None = None
    headers: Headers | Callable[[], Headers] = dataclasses.field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.endpoint.is_secure is False and self.tls is not None:
            raise ConfigError(
                f"an address with certificates must be one of TLS, got {self.address}; write grpcs:// or "
                "https://, or leave the certificates out"
            )
        self._check_model()
        self._check_limits()
        if not callable(self.headers):
            check_headers(self.headers)

    def _check_limits(self) -> None:
        _check_at_least("max_tickers", self.max_tickers, 1)
        _check_at_least("max_parallel", self.max_parallel, 1)
        if not 0.0 < self.timeout_seconds < math.inf:
            raise ConfigError(
                f"timeout_seconds must be positive and finite, got {self.timeout_seconds:g}; allow some time"
            )
        if not 1 <= self.max_attempts <= ATTEMPTS_LIMIT:
            raise ConfigError(
                f"max_attempts must be in 1 .. {ATTEMPTS_LIMIT}, got {self.max_attempts}; 1 tries once"
            )
        if self.keepalive_seconds and not self.keepalive_seconds >= MIN_KEEPALIVE_SECONDS:
            raise ConfigError(
                f"keepalive_seconds must be 0 or at least {MIN_KEEPALIVE_SECONDS:g}, got "
                f"{self.keepalive_seconds:g}; 0 sends no pings"
            )

    @functools.cached_property
    def endpoint(self) -> Endpoint:
        """Where the server is."""
        return parse_address(self.address)

    @property
    def is_secure(self) -> bool:
        """Whether the connection is one of TLS."""
        return bool(self.endpoint.is_secure or self.tls)

    @property
    def signature_name(self) -> str:
        """The signature that is asked."""
        return contract.ROW_FORECAST_SIGNATURE if self.by_rows else contract.FORECAST_SIGNATURE

    def read_headers(self) -> Headers:
        """The headers of the next call.

        Raises:
          ConfigError: one of them cannot be sent.
        """
        if not callable(self.headers):
            return self.headers
        headers = self.headers()
        check_headers(headers)
        return headers

    def _check_model(self) -> None:
        if not self.model_name:
            raise ConfigError("model_name must not be empty, got ''; leave it out for the default")
        if self.version is not None and self.label:
            raise ConfigError(
                f"a version must be named by number or by label, got both {self.version} and {self.label!r}; "
                "leave one out"
            )
        if self.version is not None:
            _check_at_least("version", self.version, 0)


def configure(target: str | ClientConfig, settings: Mapping[str, object]) -> ClientConfig:
    """The config that a client is made with.

    Args:
      target: an address, or a config.
      settings: other fields of ClientConfig by name.
    Raises:
      ConfigError: a value is wrong.
    """
    if isinstance(target, ClientConfig):
        return dataclasses.replace(target, **settings)  # type: ignore[arg-type]
    return ClientConfig(target, **settings)  # type: ignore[arg-type]


def check_headers(headers: Headers) -> None:
    """Refuses headers that the protocols cannot carry; their values are secrets and not shown.

    Raises:
      ConfigError: names the first such header.
    """
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.startswith("grpc-") or name.endswith("-bin"):
            raise ConfigError(
                "a header's name must be of a-z, 0-9, '_', '-' and '.', neither begin with grpc- nor end "
                f"with -bin, got {name!r}; write it so"
            )
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ConfigError(
                f"the header {name} must be one line of printable ASCII, got something else; mend it"
            )


def _check_at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ConfigError(f"{name} must be at least {least}, got {value}; leave it out for the default")
