"""The section `database` of the configuration; the password never stands there."""

from __future__ import annotations

import dataclasses

SSL_MODES = ("verify-full", "verify-ca", "require", "disable")
"""libpq's other two, allow and prefer, fall back to plain text without a word."""
SYSTEM = "system"
"""Stands for the authorities that the machine trusts."""
AUTO = "auto"
ALWAYS = "always"
NEVER = "never"
PUBLISH = (AUTO, ALWAYS, NEVER)
PASSWORD_VARIABLE = "MARKETCAST_DATABASE_PASSWORD"


@dataclasses.dataclass(frozen=True)
class DatabaseConfig:
    """The PostgreSQL server; the password comes from password_file or the environment, never from here.

    Attributes:
      host: its name or address, or the folder of its socket, where TLS is of no use and is not asked for.
      port: where it listens.
      name: of the database.
      user: a role that may log in.
      password_file: a file that holds the password and nothing else; empty for the environment variable
        MARKETCAST_DATABASE_PASSWORD and, without it, for what libpq knows (PGPASSWORD, ~/.pgpass).
      sslmode: verify-full, verify-ca, require (encrypted, the server unverified) or disable.
      sslrootcert: file of the certificates that the server's must go back to, or `system` for those that
        the machine trusts; verify-full and verify-ca need one, to the others it says nothing.
      connect_timeout_seconds: for a connection to be made, at least 2.
      attempts: how often work is begun that a lost connection interrupts, at least 1.
      publish: which runs are written: auto, those whose bars come from the database; always; or never.
    """

    host: str = "localhost"
    port: int = 5432
    name: str = "marketcast"
    user: str = "marketcast"
    password_file: str = ""
    sslmode: str = "verify-full"
    sslrootcert: str = ""
    connect_timeout_seconds: int = 10
    attempts: int = 4
    publish: str = AUTO

    def __post_init__(self) -> None:
        for key in ("host", "name", "user"):
            if not getattr(self, key):
                raise ValueError(f"database.{key} must be given, got ''; name one")
            if "://" in getattr(self, key):  # It may hold a password: it is not shown.
                raise ValueError(
                    f"database.{key} must be a name, got a URL; give its parts as database.host, port, name "
                    "and user, and the password by database.password_file"
                )
        if not 0 < self.port < 65536:
            raise ValueError(f"database.port must be in 1 to 65535, got {self.port}; 5432 is PostgreSQL's")
        if self.sslmode not in SSL_MODES:
            raise ValueError(
                f"database.sslmode must be one of {', '.join(SSL_MODES)}, got {self.sslmode!r}; choose one"
            )
        if self.publish not in PUBLISH:
            raise ValueError(
                f"database.publish must be one of {', '.join(PUBLISH)}, got {self.publish!r}; choose one"
            )
        if self.connect_timeout_seconds < 2:
            raise ValueError(
                "database.connect_timeout_seconds must be at least 2, got "
                f"{self.connect_timeout_seconds}; wait longer"
            )
        if self.attempts < 1:
            raise ValueError(f"database.attempts must be at least 1, got {self.attempts}; raise it")

    @property
    def place(self) -> str:
        """The database, for messages."""
        return f"{self.name} at {self.host}:{self.port}"

    @property
    def is_verified(self) -> bool:
        """The server must prove who it is: by its certificate."""
        return self.sslmode.startswith("verify") and not self.host.startswith("/")
