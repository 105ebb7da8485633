"""components.infer.universe_report: who gets a forecast, and how that reads."""

from __future__ import annotations

from components.infer.universe_report import UniverseReport, describe_skipped
from components.ingest.bars import day_number

MARCH, JUNE = day_number("2013-03-01"), day_number("2012-06-29")


def test_it_comes_back_as_it_was():
    report = UniverseReport({"A": MARCH}, {"B": "short_history: 3"})
    assert UniverseReport.from_json(report.to_json()) == report


def test_it_reads_in_one_line():
    assert UniverseReport({"A": MARCH}, {}).describe() == "1 tickers as of 2013-03-01"
    both = UniverseReport({"A": MARCH, "B": JUNE, "C": MARCH}, {"D": "none"})
    assert both.describe() == "3 tickers as of 2012-06-29 to 2013-03-01, 1 skipped: D (none)"
    assert UniverseReport({}, {"D": "none"}).describe() == "0 tickers, 1 skipped: D (none)"


def test_many_are_counted():
    skipped = {f"T{number}": "short" for number in range(7)}
    assert describe_skipped(skipped).startswith("7 skipped: T0 (short), ")
    assert describe_skipped(skipped).endswith("T4 (short), and 2 more")
