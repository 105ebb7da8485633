"""The commands `rollout ...`; what they need is imported when they run."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from components import contract
from pipeline.connection_options import IDENTITY_OPTIONS, add_options, gather_connection

_STORE_OPTIONS = (
    click.option("--config-file", default="", metavar="FILE", help="The servers' models.config."),
    click.option("--config-map", default="", metavar="NAME", help="A ConfigMap with the key models.config."),
    click.option("--namespace", default="", help="Of the ConfigMap.  [default: of the kubeconfig]"),
    click.option("--context", default="", help="Of the kubeconfig.  [default: the current one]"),
    click.option(
        "--address",
        "addresses",
        multiple=True,
        metavar="HOST:PORT",
        help="Each server, gRPC; dns:///NAME:PORT for all of a name.",
    ),
    click.option("--model-name", default=contract.MODEL_NAME, show_default=True),
    click.option(
        "--model-base-path", default="", metavar="DIR", help="As seen here.  [default: of the configuration]"
    ),
    *IDENTITY_OPTIONS,
)
_CHANGE_OPTIONS = (
    click.option(
        "--record", default="", metavar="FILE", help="The version's record.json, if DIR is elsewhere."
    ),
    click.option("--keep", "num_kept", default=3, show_default=True, help="Versions that stay loaded."),
    click.option("--timeout", "timeout_seconds", default=180.0, show_default=True, help="For the servers."),
    click.option("--actor", default="", help="For the audit.  [default: user@host]"),
    click.option("--reason", default="", help="For the audit."),
)


def _with(options: tuple[Callable[..., Any], ...]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command these options."""
    return functools.partial(add_options, options)


@click.group()
def rollout() -> None:
    """Move the labels `stable` and `canary` of a served model, by TensorFlow Serving's two steps."""


@rollout.command()
@_with(_STORE_OPTIONS)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def status(as_json: bool, **options: Any) -> None:
    """Show each version: where it is loaded, its labels, whether it is blessed."""
    from serving import rollout_command

    rollout_command.show_status(_gather(options), sys.stdout, as_json)


@rollout.command()
@click.argument("version", type=int)
@_with(_STORE_OPTIONS + _CHANGE_OPTIONS)
def canary(version: int, **options: Any) -> None:
    """Serve VERSION beside the stable one, under the label canary."""
    _make(options).start_canary(version)
    click.echo(f"canary is version {version}")


@rollout.command()
@click.argument("version", type=int, required=False)
@_with(_STORE_OPTIONS + _CHANGE_OPTIONS)
def promote(version: int | None, **options: Any) -> None:
    """Make VERSION, or else the canary, the stable one; it must be loaded and blessed."""
    click.echo(f"stable is version {_make(options).promote(version)}")


@rollout.command()
@_with(_STORE_OPTIONS + _CHANGE_OPTIONS)
def rollback(**options: Any) -> None:
    """Make the version stable again that was so before."""
    click.echo(f"stable is version {_make(options).roll_back()}")


@rollout.command()
@click.argument("version", type=int)
@_with(_STORE_OPTIONS + _CHANGE_OPTIONS)
def pin(version: int, **options: Any) -> None:
    """Serve VERSION only, as the stable one, until the next promotion."""
    _make(options).pin(version)
    click.echo(f"stable is version {version}, and no other is served")


@rollout.command()
@_with(_STORE_OPTIONS)
@click.option("--keep", "num_kept", default=3, show_default=True, help="Newest versions that stay on disk.")
@click.option("--yes", "is_meant", is_flag=True, help="Delete; without it only tell what would go.")
def prune(is_meant: bool, **options: Any) -> None:
    """Delete the folders of old versions that nobody serves."""
    from serving import rollout_command

    rollout_command.prune(_gather(options), is_meant, sys.stdout)


def _make(options: dict[str, Any]) -> Any:
    from serving import rollout_command

    return rollout_command.make_rollout(_gather(options), sys.stderr)


def _gather(options: dict[str, Any]) -> Any:
    from serving import rollout_command

    return rollout_command.RolloutOptions(connection=gather_connection(options), **options)
