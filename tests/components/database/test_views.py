"""The views for people, on rows whose answers are known."""

from __future__ import annotations

import datetime
import math
import re

import pytest

from components.database.run_writer import write_run
from tests.components.database.records import make_forecast, make_record
from tests.conftest import ROOT

pytestmark = pytest.mark.postgres


def test_the_latest_forecast_is_of_the_newest_pushed_model_in_prices(database, execute):
    write_run(database, make_record("old", num_days=3))
    write_run(database, make_record("new", num_days=3))
    write_run(database, make_record("bad", num_days=5, outcome="refused"))
    rows = execute("SELECT * FROM marketcast.latest_forecast ORDER BY ticker, horizon")
    assert [(row[0], str(row[1]), row[2], row[-1]) for row in rows] == [
        (ticker, "2013-02-01", horizon, "new") for ticker in ("AAPL", "IBM") for horizon in range(1, 6)
    ]
    prices = [100.0 * math.exp(value) for value in (-0.03, -0.02, -0.01, 0.0, 0.01, 0.02, 0.03)]
    assert rows[0][4:11] == pytest.approx(prices)


def test_a_ticker_that_a_newer_model_does_not_know_keeps_its_forecast(database, execute):
    write_run(database, make_record("old"))
    new = make_record("new")
    write_run(database, make_record("new", forecasts=[row for row in new.forecasts if row[1] == "IBM"]))
    rows = execute(
        "SELECT ticker, model_version FROM marketcast.latest_forecast WHERE horizon = 1 ORDER BY 1"
    )
    assert rows == [("AAPL", "old"), ("IBM", "new")]


def test_a_forecast_stands_beside_its_actual_once_that_has_come(database, execute):
    forecasts = [
        make_forecast("m", "IBM", 0, 1, 0.03),
        make_forecast("m", "IBM", 1, 1, 0.031),
        make_forecast("m", "IBM", 2, 1, None),
    ]
    write_run(database, make_record("m", forecasts=forecasts))
    rows = execute(
        "SELECT as_of, target_date, actual_price, inside_90 FROM marketcast.forecast_beside_actual ORDER BY 1"
    )
    day = datetime.date(2013, 1, 30)
    assert [row[:2] for row in rows] == [
        (day, datetime.date(2013, 1, 31)), (datetime.date(2013, 1, 31), datetime.date(2013, 2, 1)),
    ]  # fmt: skip
    assert [row[2] for row in rows] == pytest.approx([100 * math.exp(0.03), 100 * math.exp(0.031)])
    assert [row[3] for row in rows] == [True, False]


def test_skill_by_ticker_and_month_by_hand(database, execute):
    # 30 and 31 January, 1 and 2 February; each loses 0.002 where the baseline loses 0.004.
    actuals = [0.0, 0.05, 0.0, 0.0]
    forecasts = [make_forecast("m", "IBM", day, 1, actual) for day, actual in enumerate(actuals)]
    forecasts[1] = (*forecasts[1][:-2], 0.006, 0.004)
    write_run(database, make_record("m", forecasts=forecasts))
    rows = execute("SELECT * FROM marketcast.skill_by_ticker_month ORDER BY month")
    assert [row[:5] for row in rows] == [
        ("m", "IBM", datetime.date(2013, 1, 1), 1, 2),
        ("m", "IBM", datetime.date(2013, 2, 1), 1, 2),
    ]
    # January: losses 0.002 and 0.006 beside twice 0.004: no skill; one of two days inside the 90 % band.
    assert rows[0][5:] == pytest.approx((0.004, 0.004, 0.0, 0.5))
    assert rows[1][5:] == pytest.approx((0.002, 0.004, 0.5, 1.0))


def test_the_queries_of_the_page_work(database, execute):
    page = (ROOT / "docs/data.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    queries = [block for block in blocks if block.startswith("SELECT")]
    assert len(queries) == 3
    write_run(database, make_record("6b43b48ac5ff"))
    assert all(execute(query) for query in queries)
