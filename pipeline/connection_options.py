"""Options of the commands that speak to a server; what they mean is in serving.connection_flags."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import click

IDENTITY_OPTIONS = (
    click.option("--tls-ca", default="", metavar="FILE", help="Roots of the server's certificate."),
    click.option("--tls-cert", default="", metavar="FILE", help="Own certificate, if the server asks."),
    click.option("--tls-key", default="", metavar="FILE", help="Its private key."),
    click.option("--token-file", default="", metavar="FILE", help="Sent as `authorization: Bearer ...`."),
)


def add_options(options: Iterable[Callable[..., Any]], command: Callable[..., None]) -> Callable[..., None]:
    """A command with more options, listed in this order."""
    for option in reversed(list(options)):
        command = option(command)
    return command


def gather_connection(options: dict[str, Any]) -> Any:
    """Takes the options of a connection out of `options`; returns them as ConnectionFlags."""
    from serving.connection_flags import ConnectionFlags

    names = [field.name for field in dataclasses.fields(ConnectionFlags)]
    return ConnectionFlags(
        **{name: value for name in names if (value := options.pop(name, None)) is not None}
    )
