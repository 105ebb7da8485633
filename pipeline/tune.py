"""The command `tune`; what it needs is imported when it runs."""

from __future__ import annotations

import sys

import click


@click.command("tune")
@click.option("--config", "config_file", default="", metavar="FILE", help="YAML over the defaults.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all.")
@click.option("--out", default="run/tune", show_default=True, metavar="DIR", help="Of the trials.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def tune(config_file: str, overrides: tuple[str, ...], out: str, as_json: bool) -> None:
    """Search the network's parameters on the years before the test days, by the mean pinball loss.

    What an interrupted search had finished is kept; the same command goes on from there.
    """
    from pipeline import run_tune

    sys.exit(run_tune.run(config_file, overrides, out, as_json))
