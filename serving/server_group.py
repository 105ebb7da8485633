"""The servers behind a model: what each of them has loaded, and whether all follow a change."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Callable, Iterable, Sequence

from components.errors import ConfigError, ServingError
from serving.answers import AVAILABLE
from serving.client import ForecastClient
from serving.connection_flags import ConnectionFlags

POLL_SECONDS = 0.5
DNS_PREFIX = "dns:///"


@dataclasses.dataclass(frozen=True)
class ServerGroup:
    """Servers that follow one configuration.

    Attributes:
      addresses: host:port of each.
      model_name: the model that is asked for.
      timeout_seconds: how long they may take to follow.
      tell: called with a line whenever something is waited for.
      connection: certificates and token for them.
    """

    addresses: tuple[str, ...]
    model_name: str
    timeout_seconds: float
    tell: Callable[[str], None]
    connection: ConnectionFlags = dataclasses.field(default_factory=ConnectionFlags)

    def states(self) -> dict[str, dict[int, str]]:
        """Address -> version -> state, as each server says.

        Raises:
          ServingError: a server cannot be reached.
        """
        return {address: self._read_states(address) for address in self.addresses}

    def list_available(self) -> set[int]:
        """The versions that every server has loaded."""
        found = [
            {version for version, state in states.items() if state == AVAILABLE}
            for states in self.states().values()
        ]
        return set.intersection(*found) if found else set()

    def await_available(self, version: int) -> None:
        """Waits until each server has loaded a version.

        Raises:
          ServingError: one has not in time; says how the version stands there.
        """
        self._await(
            f"version {version} to be loaded",
            lambda address: self._read_states(address).get(version, "not there yet"),
            AVAILABLE,
        )

    def await_label(self, label: str, version: int) -> None:
        """Waits until each server answers by a label from a version.

        Raises:
          ServingError: one does not in time.
        """
        self._await(
            f"label {label} to name version {version}",
            lambda address: self._read_label(address, label),
            str(version),
        )

    def _await(self, what: str, ask: Callable[[str], str], expected: str) -> None:
        deadline = time.monotonic() + self.timeout_seconds
        for address in self.addresses:
            if (found := ask(address)) == expected:
                continue
            self.tell(f"waiting for {what} on {address}")
            while (found := ask(address)) != expected:
                if time.monotonic() > deadline:
                    raise ServingError(
                        f"{address} must follow within {self.timeout_seconds:g} s, got, waiting for {what}: "
                        f"{found}; look at its log, then run this again: it goes on where it stopped"
                    )
                time.sleep(POLL_SECONDS)

    def _read_states(self, address: str) -> dict[int, str]:
        with self._connect(address) as client:
            return {status.version: status.state for status in client.status()}

    def _read_label(self, address: str, label: str) -> str:
        """The version that answers by a label, or why none does."""
        with self._connect(address, label) as client:
            try:
                return str(client.metadata().version)
            except ServingError as error:
                return str(error)

    def _connect(self, address: str, label: str = "") -> ForecastClient:
        return ForecastClient(self.connection.make_config(address), model_name=self.model_name, label=label)


def find_addresses(given: Iterable[str]) -> tuple[str, ...]:
    """The address of each server: dns:///host:port stands for all that the name has.

    Raises:
      ConfigError: an address has no port, or a name is unknown.
    """
    found: list[str] = []
    for address in given:
        if not address.startswith(DNS_PREFIX):
            found.append(address)
            continue
        host, _, port = address.removeprefix(DNS_PREFIX).rpartition(":")
        try:
            entries = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"--address must be a name and a port that are known, got {address}: {error}; check it"
            ) from error
        found += sorted({_join(entry[4]) for entry in entries})
    if not found:
        raise ConfigError("--address must name a server, got none; give the host:port of each of them")
    return tuple(dict.fromkeys(found))


def _join(socket_address: Sequence[object]) -> str:
    host, port = socket_address[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
