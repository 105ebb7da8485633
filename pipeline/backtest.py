"""The command `backtest`; what it needs is imported when it runs."""

from __future__ import annotations

import sys

import click


@click.command("backtest")
@click.option("--config", "config_file", default="", metavar="FILE", help="YAML over the defaults.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all.")
@click.option("--out", default="run/backtest", show_default=True, metavar="DIR", help="Of the results.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def backtest(config_file: str, overrides: tuple[str, ...], out: str, as_json: bool) -> None:
    """Walk forward through the bars: fit every model anew each year, forecast, compare.

    What an interrupted backtest had finished is kept; the same command goes on from there.
    """
    from pipeline import run_backtest

    sys.exit(run_backtest.run(config_file, overrides, out, as_json))
