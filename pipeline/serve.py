"""The command `serve`: TensorFlow Serving's flags, and a line that says where the server is."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import click

from pipeline.attribute_docs import attribute_docs
from pipeline.connection_options import add_options
from serving.server_config import ServerConfig

LOG_FORMAT = "%(asctime)s %(levelname).1s %(name)s: %(message)s"
_BASE_PATH = "model_base_path"


def make_server_option(field: dataclasses.Field[Any], text: str) -> Callable[..., Any]:
    """The option of one of the server's flags."""
    name = field.name.replace("_", "-")
    if isinstance(field.default, bool):
        flag = f"--{name}/--no-{name}" if field.default else f"--{name}"
        return click.option(flag, field.name, is_flag=True, default=field.default, help=text)
    # The configuration says where models are pushed to.
    default = None if field.name == _BASE_PATH else field.default
    shown = "of the configuration" if field.name == _BASE_PATH else bool(str(field.default))
    return click.option(
        f"--{name}", field.name, type=type(field.default), default=default, show_default=shown, help=text
    )


def _with_server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command an option for each field of ServerConfig."""
    docs = attribute_docs(ServerConfig)
    return add_options(
        [make_server_option(field, docs[field.name]) for field in dataclasses.fields(ServerConfig)], command
    )


@click.command(context_settings={"token_normalize_func": lambda name: name.replace("_", "-")})
@click.option(
    "--config", "config_file", default="", metavar="FILE", help="YAML over the defaults; see docs/config.md."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="One key over all, such as paths.run_root=DIR.",
)
@_with_server_options
@click.option("--json", "as_json", is_flag=True, help="Say where it is, and log, as JSON objects.")
def serve(config_file: str, overrides: tuple[str, ...], as_json: bool, **flags: Any) -> None:
    """Serve pushed models as TensorFlow Serving does, over gRPC and REST; for laptops and tests.

    The flags are TensorFlow Serving's, which takes this one's place in production; see docs/api.md.
    """
    from pipeline.environment import load_serving_sections
    from serving import server
    from serving.log_lines import log_lines

    if as_json:
        log_lines(sys.stderr)
    else:
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    base_path = load_serving_sections(config_file, overrides).paths.model_base_path
    config = ServerConfig(**{**flags, _BASE_PATH: flags[_BASE_PATH] or base_path})
    server.run(config, (lambda started: click.echo(json.dumps(started))) if as_json else _tell)


def _tell(started: dict[str, Any]) -> None:
    """Says where the server is, in one line, and what it has not."""
    places = [f"gRPC on {started['address']}"]
    if started["rest_address"]:
        places.append(f"REST on http://{started['rest_address']}")
    click.echo(f"{', '.join(started['models'])}: {' and '.join(places)}; Ctrl-C ends it")
    if not started["is_available"]:
        click.echo("no version can be served yet; one is as soon as it is pushed", err=True)
