"""The `marketcast` command. Each command imports what it needs when it runs, so that help is quick."""

from __future__ import annotations

import sys

import click

from components.errors import MarketcastError

MODEL_BASE_PATH = "models/marketcast"
DATA_PATH = "data/raw/stock_prices.csv"


class _Group(click.Group):
    """Prints a MarketcastError as its one line and ends with its exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except MarketcastError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="marketcast")
def main() -> None:
    """Calibrated price bands for the next five trading days: train, gate, serve, ask.

    Exit codes: 0 well (run: blessed and pushed); 1 failed; 2 wrong usage; 3 the gate refused the model;
    4 bad bars or configuration; 5 a server or model cannot be reached; 130 interrupted.
    """


@main.command()
@click.option(
    "--config", "config_file", default="", metavar="FILE", help="YAML over the defaults; see docs/config.md."
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One key over all, such as train.seed=2."
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on standard output.")
def run(config_file: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Run the pipeline: bars in, a blessed and pushed model out, or the reason why not."""
    from pipeline import run_local

    sys.exit(run_local.run(config_file, overrides, as_json))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def doctor(as_json: bool) -> None:
    """Explain what this machine runs and name what is missing."""
    from pipeline import doctor as check_up

    sys.exit(check_up.examine(as_json))


if __name__ == "__main__":
    main(prog_name="marketcast")
