"""The page as text: nothing of it comes from elsewhere, and what data say stays data."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from components.backtest.measuring import make_figures
from components.report.page import make_page
from tests.components.backtest.random_results import draw_table
from tests.components.report.hostile_results import HOSTILE, make_hostile_table

LINEAGE = {"bars": "abc", "train": {"seed": 1, "note": HOSTILE}}


@pytest.fixture(name="page", scope="module")
def fixture_page():
    table = make_hostile_table()
    return make_page(table, make_figures(table), LINEAGE)


def take_scripts(page):
    return re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)


def test_the_policy_allows_the_page_s_own_scripts_and_no_address(page):
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    scripts = take_scripts(page)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(hashes) == 2 and rules["script-src"].split() == [f"'sha256-{value}'" for value in hashes]
    assert rules["default-src"] == "'none'" and "http" not in policy


def test_nothing_is_fetched(page):
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="([^"]*)"', markup) == ["data:,"]
    assert "@import" not in markup and "url(" not in markup


def test_a_hostile_name_is_data_and_no_markup(page):
    assert HOSTILE not in page
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    told = json.loads(data)
    assert HOSTILE in told["fans"]["tickers"] and told["lineage"] == LINEAGE
    assert HOSTILE in told["figures"]["span"]["tickers"]


def test_equal_results_give_equal_pages(page):
    table = make_hostile_table()
    assert make_page(table, make_figures(table), LINEAGE) == page
    other = draw_table(seed=7)
    assert make_page(other, make_figures(other), LINEAGE) != page


def test_no_marker_is_left_and_none_in_the_data_is_filled(page):
    assert not re.search("@@[A-Z]+@@", page.replace(HOSTILE_MARKER, ""))
    assert HOSTILE_MARKER in page


HOSTILE_MARKER = "@@SCRIPT@@"
