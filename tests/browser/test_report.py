"""`marketcast report` in a real browser: charts are drawn, choosers work, nothing runs that should not."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from components import contract
from components.backtest import results
from components.backtest.measuring import make_figures
from tests.components.report.hostile_results import HOSTILE, make_hostile_table
from tests.conftest import run_marketcast

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1200,900",
)  # fmt: skip
NUM_CHARTS = 5
PHONE_PIXELS = 360


@pytest.fixture(name="page", scope="module")
def fixture_page(tmp_path_factory):
    """The command's page of results in which a ticker has a hostile name."""
    folder = tmp_path_factory.mktemp("report")
    table = make_hostile_table()
    write_results(folder / "results", table)
    (folder / "results/backtest.json").write_text(json.dumps({"train": {"seed": 1}, "bars": HOSTILE}))
    ended = run_marketcast(folder, "report", "--results", "results", "--out", "page.html")
    assert ended.returncode == 0, ended.stderr
    return folder / "page.html"


def write_results(folder, table: pa.Table) -> None:
    for number, fold in enumerate(pc.unique(table[results.FOLD]).to_pylist()):
        path = folder / str(fold) / f"any-{number}.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(table.filter(pc.equal(table[results.FOLD], fold)), path)


@pytest.fixture(name="browser")
def fixture_browser(tmp_path):
    """A Chromium with the page open; its console must stay empty."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    messages = driver.get_log("browser")
    driver.quit()
    assert messages == []


@pytest.fixture(name="opened")
def fixture_opened(browser, page):
    open_page(browser, page)
    return browser


def open_page(browser, page):
    browser.get(page.as_uri())
    WebDriverWait(browser, 30).until(
        lambda own: own.execute_script("return document.documentElement.dataset.ready") == "yes"
    )


def read_trace(browser, chart, name):
    """A trace of a chart as Plotly holds it."""
    script = (
        f"const t = document.getElementById('{chart}').data.find((each) => each.name === '{name}');"
        "return {x: Array.from(t.x), y: Array.from(t.y)}"
    )
    return browser.execute_script(script)


def choose(browser, id_, value):
    options = browser.find_elements(By.CSS_SELECTOR, f"#{id_} option")
    # Not select_by_value, which takes no value with quotes.
    position = [option.get_attribute("value") for option in options].index(value)
    Select(browser.find_element(By.ID, id_)).select_by_index(position)


def test_all_charts_are_drawn(opened):
    script = (
        "return [...document.querySelectorAll('.chart')].filter((chart) => chart.clientHeight > 100 && "
        "chart.querySelectorAll('.main-svg path').length > 5).length"
    )
    assert opened.execute_script(script) == NUM_CHARTS
    drawn = opened.execute_script("return document.querySelectorAll('#slices .scatterlayer .point').length")
    assert drawn == 1, "one year of origins"


@pytest.mark.parametrize("ticker", ["CCC", HOSTILE])
def test_the_ticker_chooser_shows_that_ticker_s_prices(opened, ticker):
    choose(opened, "ticker", ticker)
    opened.find_element(By.ID, "whole").click()
    came = read_trace(opened, "fan", "price that came")
    expected = [
        (str(row[contract.DATE]), row[contract.CLOSE] * 2.718281828459045 ** row[results.ACTUAL])
        for row in make_hostile_table().to_pylist()
        if row[contract.TICKER] == ticker
        and (row[results.MODEL], row[results.SEED]) == (contract.MODEL_NAME, 1)
        and row[contract.HORIZON] == 1
    ]
    assert came["x"] == [date for date, _ in expected]
    assert came["y"] == pytest.approx([price for _, price in expected], rel=1e-4)
    title = opened.find_element(By.CSS_SELECTOR, "#fan .gtitle").get_attribute("textContent")
    assert title == ticker
    assert not opened.title.startswith("owned") and not opened.find_elements(By.TAG_NAME, "img")


def test_the_period_and_the_horizon_can_be_chosen(opened):
    opened.execute_script(
        "byId('from').value = '2007-07-01'; byId('from').dispatchEvent(new Event('change'))"
    )
    days = read_trace(opened, "fan", "median")["x"]
    assert days and min(days) >= "2007-07-01"
    choose(opened, "horizon", "3")
    figures = make_figures(make_hostile_table())
    shown = [
        [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        for row in opened.find_elements(By.CSS_SELECTOR, "#verdict tbody tr")
    ]
    expected = [row for row in figures.verdict if row.horizon == 3]
    assert [row[4] for row in shown] == [f"{1000 * row.pinball:.3f}" for row in expected]
    assert [row[1] for row in shown][1:] == [f"{100 * row.skill.skill:+.2f} %" for row in expected[1:]]


def test_slices_of_another_kind_and_model(opened):
    choose(opened, "kind", "ticker")
    choose(opened, "baseline", "garch_t")
    names = opened.execute_script("return byId('slices').data[0].x.length")
    assert names == 5, "GARCH has no forecast of one of six"


def test_words_say_what_the_model_cannot_do(opened):
    told = [item.text for item in opened.find_elements(By.CSS_SELECTOR, "#cannot li")]
    assert any(sentence.startswith("On direction it claims nothing") for sentence in told)
    lineage = opened.find_element(By.ID, "lineage").text
    assert "train.seed 1" in lineage and HOSTILE in lineage


def test_dark_as_the_system_asks_and_by_the_button(browser, page):
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    open_page(browser, page)

    def read_colours():
        body = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        return body, browser.execute_script("return byId('fan').layout.font.color")

    assert read_colours() == ("rgba(18, 23, 29, 1)", "#e4e9ee")
    browser.find_element(By.ID, "theme").click()
    assert read_colours() == ("rgba(255, 255, 255, 1)", "#1b2430")


def test_on_a_phone_nothing_sticks_out(browser, page):
    metrics = {"width": PHONE_PIXELS, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    open_page(browser, page)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE_PIXELS
    wide = browser.execute_script("return byId('fan').querySelector('.main-svg').clientWidth")
    assert 0 < wide <= PHONE_PIXELS
