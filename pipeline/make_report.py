"""What `marketcast report` does: results of a backtest in, one HTML page and a slide out."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import webbrowser
from typing import Any, TextIO

from components.backtest import results, slide_chart
from components.backtest.measuring import make_figures
from components.backtest.plain_words import write_plain_words
from components.backtest.walk import ORIGIN_FILE
from components.errors import InputError
from components.report.page import make_page
from pipeline.console import watch_progress

PAGE_FILE = "report.html"


@dataclasses.dataclass(frozen=True)
class ReportOptions:
    """What the user asks for; see pipeline.report."""

    results: str
    out: str = ""
    slide: str = ""
    ticker: str = ""
    is_opened: bool = False
    as_json: bool = False


def make_report(asked: ReportOptions, stdout: TextIO, stderr: TextIO) -> None:
    """Makes the page, and the slide where one is asked for, and tells the user where they are.

    Raises:
      InputError: there are no results, they lack the network or the ticker, or a file cannot be written.
    """
    folder = pathlib.Path(asked.results)
    page_path = pathlib.Path(asked.out) if asked.out else folder / PAGE_FILE
    slide_path = pathlib.Path(asked.slide) if asked.slide else None
    if asked.ticker and not slide_path:
        raise InputError(
            "--ticker must come with --slide FILE, got no slide; add one, or leave --ticker out: the page "
            "has all tickers"
        )
    with watch_progress("report", stderr):
        table = results.read_results(folder)
        figures = make_figures(table)
        page = make_page(table, figures, _read_lineage(folder))
        _write_page(page_path, page)
        if slide_path:
            slide_chart.draw_slide(table, asked.ticker or figures.span.tickers[0], slide_path)
    if asked.as_json:
        written: dict[str, Any] = {"page": str(page_path), "slide": asked.slide or None}
        print(json.dumps({**written, "figures": figures.to_json()}), file=stdout)
    else:
        words = write_plain_words(figures)
        for line in (*words.scope, "", *words.can, "", *words.cannot, "", f"report: {page_path}"):
            print(line, file=stdout)
        if slide_path:
            print(f"slide: {slide_path}", file=stdout)
    if asked.is_opened and not webbrowser.open(page_path.resolve().as_uri()):
        print(f"no browser could be started; open {page_path} by hand", file=stderr)


def _read_lineage(folder: pathlib.Path) -> dict[str, Any]:
    """What the backtest wrote about itself; results without it still make a page."""
    path = folder / ORIGIN_FILE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(
            f"{path} must be the JSON that `marketcast backtest` wrote, got {error}; delete the folder and "
            "run the backtest again"
        ) from error


def _write_page(path: pathlib.Path, page: str) -> None:
    """Under another name first, so that a page is whole or not there."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.write_text(page, encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InputError(
            f"--out must be a file that can be written, got {path}: {error.strerror}; give another"
        ) from error
