"""Connections to the database: encrypted, with the password from where secrets are, begun anew when lost."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg import errors

from components.database.config import PASSWORD_VARIABLE, SYSTEM, DatabaseConfig
from components.errors import ConfigError, DatabaseError

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")

APPLICATION = "marketcast"
FIRST_PAUSE_SECONDS = 0.5
"""Before the second attempt; doubled before each later one."""
_LOST = (errors.AdminShutdown, errors.CrashShutdown, errors.CannotConnectNow, errors.IdleSessionTimeout)
_SETTINGS = (
    "SET datestyle TO 'ISO'; SET timezone TO 'UTC'; SET extra_float_digits TO 1; SET lock_timeout TO '5min'"
)
"""What a value looks like as text must not depend on the server: fingerprints are taken of it. Another
session's lock ends in an error some time."""
logging.getLogger("psycopg").addHandler(logging.NullHandler())  # What it would say of a loss, we say.


def with_connection(config: DatabaseConfig, work: Callable[[Connection], T]) -> T:
    """Does work on a connection of its own; from its start again, on a new one, where that is lost.

    Args:
      config: the server.
      work: its effects are in one transaction, so that what is lost half-way leaves nothing.
    Raises:
      DatabaseError: no connection can be made, it is lost too often, or the server refuses.
    """
    for attempt in range(1, config.attempts + 1):
        try:
            return _attempt(config, work)
        except _LostError as error:
            lost = error.args[0]
        except DatabaseError as error:
            if attempt == 1:  # It was never there: a wrong address or password does not mend itself.
                raise
            lost = str(error)
        if attempt < config.attempts:
            time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
    raise DatabaseError(
        f"the connection to database {config.place} must last, got it lost {config.attempts} times ({lost}); "
        "look at the server's log and run again"
    )


@contextlib.contextmanager
def connect(config: DatabaseConfig) -> Iterator[Connection]:
    """A connection that commits each statement by itself but in `connection.transaction()`.

    Raises:
      ConfigError: the server is to be verified and nothing says by what, or the password cannot be read.
      DatabaseError: it cannot be reached, or does not let us in.
    """
    if config.is_verified and not config.sslrootcert:
        raise ConfigError(
            f"database.sslrootcert must be given where database.sslmode is {config.sslmode}, got ''; name "
            "the file of the authority's certificates, or `system`, or set database.sslmode to require"
        )
    try:
        connection = psycopg.connect(autocommit=True, **_parameters(config))
    except psycopg.Error as error:
        raise DatabaseError(
            f"database {config.place} must let {config.user} in, got: {one_line(error)}; check database.* "
            "and the password"
        ) from None  # The cause could show the whole connection string.
    try:
        yield connection
    finally:
        connection.close()


def one_line(error: BaseException) -> str:
    """An error's message in one line."""
    return " ".join(str(error).split()) or type(error).__name__


class _LostError(Exception):
    """The connection is gone; why."""


def _attempt(config: DatabaseConfig, work: Callable[[Connection], T]) -> T:
    with connect(config) as connection:
        try:
            connection.execute(_SETTINGS)
            return work(connection)
        except psycopg.Error as error:
            if connection.closed or isinstance(error, _LOST):
                raise _LostError(one_line(error)) from error
            raise DatabaseError(
                f"database {config.place} must do what {config.user} asks, got: {one_line(error)}; grant "
                "what is missing (see docs/data.md), or mend what it says"
            ) from error


def _parameters(config: DatabaseConfig) -> dict[str, Any]:
    """What libpq is given; a file or variable of its own decides nothing of it."""
    parameters: dict[str, Any] = {
        "host": config.host,
        "port": config.port,
        "dbname": config.name,
        "user": config.user,
        "sslmode": config.sslmode,
        "gssencmode": "disable",  # It would go before TLS, and verify nothing.
        "connect_timeout": config.connect_timeout_seconds,
        "application_name": APPLICATION,
        "client_encoding": "UTF8",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,  # Milliseconds; of a network that is cut while something is sent.
    }
    if config.is_verified:
        parameters["sslrootcert"] = _find_authorities(config)
    if password := _read_password(config):
        parameters["password"] = password
    return parameters


def _find_authorities(config: DatabaseConfig) -> str:
    """The file of the certificates that the server's must go back to.

    What libpq takes for `system` is a folder of the driver's own OpenSSL, which is not the machine's.
    """
    if config.sslrootcert != SYSTEM:
        return config.sslrootcert
    found = ssl.get_default_verify_paths().cafile
    if not found:
        raise ConfigError(
            f"database.sslrootcert must name a file where the machine trusts none, got {SYSTEM}; install "
            "ca-certificates, or name the file of the authority's certificates"
        )
    return found


def _read_password(config: DatabaseConfig) -> str:
    """Empty where libpq is to look for one by itself."""
    if not config.password_file:
        return os.environ.get(PASSWORD_VARIABLE, "")
    try:
        password = pathlib.Path(config.password_file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"database.password_file must be a readable file, got {one_line(error)}; check the path"
        ) from error
    if not password or "\n" in password:
        lines = password.count("\n") + 1 if password else 0
        raise ConfigError(
            f"database.password_file must hold one line, the password, got {lines}; write it anew"
        )
    return password
