"""What the command's flags tell about a server, made into a client's config."""

from __future__ import annotations

import dataclasses
import functools
import pathlib

from components.errors import ConfigError
from serving.client_config import TIMEOUT_SECONDS, ClientConfig, Headers
from serving.tls import TlsConfig


@dataclasses.dataclass(frozen=True)
class ConnectionFlags:
    """The flags of one server, but for --address.

    Attributes:
      model_version: the one to ask; None leaves it to the server.
      label: of the version to ask.
      tls_ca: file of the certificates that the server's must go back to.
      tls_cert: file of the client's own certificate.
      tls_key: file of its private key.
      token_file: file of the token that is sent as `authorization: Bearer ...`; read again for each call.
      timeout: seconds for a forecast.
    """

    model_version: int | None = None
    label: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    token_file: str = ""
    timeout: float = TIMEOUT_SECONDS

    def check_alone(self) -> None:
        """Refuses flags that mean nothing to a server that is started for one forecast.

        Raises:
          ConfigError: names the first such flag.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "timeout" and value != field.default:
                raise ConfigError(
                    f"--{field.name.replace('_', '-')} must come with the --address of a server, got {value} "
                    "alone; add it"
                )

    def make_config(self, address: str) -> ClientConfig:
        """The config for a server.

        Args:
          address: see serving.addresses.
        Raises:
          ConfigError: a flag is wrong.
        """
        tls = None
        if self.tls_ca or self.tls_cert or self.tls_key:
            tls = TlsConfig(self.tls_ca or None, self.tls_cert or None, self.tls_key or None)
        bearer = functools.partial(read_bearer, self.token_file)
        return ClientConfig(
            address,
            version=self.model_version,
            label=self.label,
            timeout_seconds=self.timeout,
            tls=tls,
            headers=bearer if self.token_file else {},
        )


def read_bearer(token_file: str) -> Headers:
    """The header that carries the token of a file.

    Raises:
      ConfigError: the file cannot be read or is empty.
    """
    try:
        token = pathlib.Path(token_file).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--token-file must be a file of one token, got {token_file}: {error}; check the path"
        ) from error
    if not token:
        raise ConfigError(f"--token-file must hold a token, got {token_file}, which is empty; write it there")
    return {"authorization": f"Bearer {token}"}
