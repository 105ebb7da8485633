"""The command `report`; what it needs is imported when it runs."""

from __future__ import annotations

import sys

import click


@click.command("report")
@click.option(
    "--results", default="run/backtest", show_default=True, metavar="DIR", help="Of `marketcast backtest`."
)
@click.option("--out", default="", metavar="FILE", help="The page.  [default: report.html in that folder]")
@click.option("--slide", default="", metavar="FILE", help="Draw a chart for slides too, .png or .svg.")
@click.option("--ticker", default="", help="Whose the slide is.  [default: the first]")
@click.option("--open", "is_opened", is_flag=True, help="Show the page in a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of lines.")
def report(results: str, out: str, slide: str, ticker: str, is_opened: bool, as_json: bool) -> None:
    """Make one HTML page of a backtest: forecasts beside prices, verdict, what the model cannot do.

    The page needs no network and no server: it can be mailed.
    """
    from pipeline import make_report

    asked = make_report.ReportOptions(results, out, slide, ticker, is_opened, as_json)
    make_report.make_report(asked, sys.stdout, sys.stderr)
