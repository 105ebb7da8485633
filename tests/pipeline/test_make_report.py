"""`marketcast report`: what it writes, and what it says when it cannot."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from tests.components.report.hostile_results import make_hostile_table
from tests.conftest import run_marketcast


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    fold = tmp_path / "run/backtest/2007-06-11"
    fold.mkdir(parents=True)
    pq.write_table(make_hostile_table(), fold / "all-0.parquet")
    return tmp_path


def test_page_and_slide(folder):
    ended = run_marketcast(folder, "report", "--slide", "slide.svg", "--ticker", "CCC", "--json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["page"], told["slide"]) == ("run/backtest/report.html", "slide.svg")
    assert told["figures"]["reference"] == "marketcast"
    page = (folder / "run/backtest/report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and page.endswith("</html>\n")
    assert "CCC: price bands" in (folder / "slide.svg").read_text(encoding="utf-8")
    assert not list(folder.rglob("*.unfinished"))


def test_for_people_it_says_what_the_model_can_and_cannot(folder):
    ended = run_marketcast(folder, "report")
    assert ended.returncode == 0, ended.stderr
    assert "On direction it claims nothing" in ended.stdout
    assert ended.stdout.endswith("report: run/backtest/report.html\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--results", "none"), "none must hold results of a backtest, got none; make them with"),
        (("--out", "no/such/page.html"), "--out must be a file that can be written, got no/such/page.html"),
        (("--ticker", "CCC"), "--ticker must come with --slide FILE, got no slide"),
        (("--slide", "a.svg", "--ticker", "ZZZ"), "results must hold forecasts of marketcast for ZZZ"),
        (("--slide", "a.gif"), "a slide must be a file .png or .svg, got a.gif"),
        (("--slide", "no/such/a.svg"), "a slide must be a file that can be written, got no/such/a.svg"),
    ],
)
def test_what_cannot_be_done_is_one_line(folder, arguments, line):
    ended = run_marketcast(folder, "report", *arguments)
    assert ended.returncode == 4
    assert ended.stderr.startswith(f"error: {line}") and ended.stderr.count("\n") == 1
    assert not list(folder.rglob("*.unfinished"))
