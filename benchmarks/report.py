"""How long a browser takes to open the largest page that `marketcast report` makes.

    python -m benchmarks.report

Random forecasts of 20 tickers, as many as a page holds (components.report.fans.MAX_FORECASTS), so that the
file is as large as it gets. The time is from the start of the navigation until all charts are drawn, in a
Chromium without a window; beside it, in the same browser, that of a page with the chart library alone. Needs
chromium and chromedriver.
"""

from __future__ import annotations

import datetime
import pathlib
import shutil
import statistics
import tempfile

import numpy as np
import plotly.offline
import pyarrow as pa
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from components import contract
from components.backtest import results
from components.backtest.measuring import make_figures
from components.report.fans import MAX_FORECASTS
from components.report.page import make_page

NUM_TICKERS = 20
ROUNDS = 5
FIRST = datetime.date(2007, 1, 1)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
READY = "return performance.getEntriesByType('navigation')[0].loadEventEnd"


def draw_table(model: str, seed: int) -> pa.Table:
    """Forecasts in the order of results.read_results."""
    rng = np.random.default_rng(seed)
    num_days = MAX_FORECASTS // (NUM_TICKERS * len(contract.HORIZONS))
    days = np.datetime64(FIRST) + np.arange(num_days)
    count = NUM_TICKERS * num_days * len(contract.HORIZONS)
    quantiles = np.sort(rng.normal(0, 0.02, (count, len(contract.QUANTILE_LEVELS))), axis=1)
    origins = np.tile(np.repeat(days, len(contract.HORIZONS)), NUM_TICKERS)
    horizons = np.tile(np.asarray(contract.HORIZONS, np.int8), NUM_TICKERS * num_days)
    columns = {
        contract.TICKER: np.repeat([f"T{n:02d}" for n in range(NUM_TICKERS)], count // NUM_TICKERS),
        contract.SECTOR: np.full(count, "unknown"),
        results.ORIGIN: origins,
        contract.DATE: origins + horizons,
        contract.HORIZON: horizons,
        results.MODEL: np.full(count, model),
        results.SEED: np.full(count, 1, np.int32),
        results.FOLD: np.full(count, np.datetime64(FIRST)),
        results.ACTUAL: rng.normal(0, 0.02, count),
        contract.CLOSE: np.full(count, 100.0),
        contract.VOLATILITY: rng.uniform(0.01, 0.02, count),
        **dict(zip(results.QUANTILE_COLUMNS, quantiles.T, strict=True)),
    }
    return pa.table([pa.array(columns[f.name], f.type) for f in results.SCHEMA], schema=results.SCHEMA)


def time_page(driver: webdriver.Chrome, path: pathlib.Path) -> float:
    """Median seconds until the page is loaded; its scripts draw before that."""
    seconds = []
    for _ in range(ROUNDS):
        driver.get("about:blank")
        driver.get(path.as_uri())
        seconds.append(driver.execute_script(READY) / 1000)
    return statistics.median(seconds)


def main() -> None:
    """Prints both times and their ratio."""
    table = pa.concat_tables([draw_table("ewma_empirical", 2), draw_table(contract.MODEL_NAME, 1)])
    with tempfile.TemporaryDirectory() as folder:
        page, library = pathlib.Path(folder, "report.html"), pathlib.Path(folder, "library.html")
        page.write_text(make_page(table, make_figures(table), {}), encoding="utf-8")
        library.write_text(f"<script>{plotly.offline.get_plotlyjs()}</script>", encoding="utf-8")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in (*FLAGS, f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        try:
            alone, whole = time_page(driver, library), time_page(driver, page)
        finally:
            driver.quit()
        megabytes = page.stat().st_size / 1e6
    print(f"page of {megabytes:.1f} MB, all charts drawn   {whole:6.2f} s")
    print(f"chart library alone               {alone:6.2f} s")
    print(f"ratio                             {whole / alone:6.2f}")


if __name__ == "__main__":
    main()
