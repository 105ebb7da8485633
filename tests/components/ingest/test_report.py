"""Counts and the quarantine file."""

from __future__ import annotations

import dataclasses
import pathlib

import pytest

from components import contract
from components.errors import InputError
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig, cut_chunks
from components.ingest.findings import Finding
from components.ingest.panel import read_panel
from components.ingest.report import (
    SplitSummary,
    TickerSummary,
    build_report,
    collect_quarantined,
    describe,
    summarise_ticker,
)
from components.ingest.sessions import Gap, TickerGaps
from components.ingest.source_config import SourceConfig
from tests.components.ingest.shipped import SHIPPED_SOURCE

_EVERY_SPLIT = {split: SplitSummary(1, 10, 10, 270) for split in contract.SPLITS}


def _finding(lines: tuple[int, ...], check: str, file: str) -> Finding:
    return Finding(check, "quarantine", file, lines, f"{check}: why", (), len(lines))


def test_quarantined_rows_stand_as_they_are_with_their_reasons(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("Symbol,file,open\nA,x,1.50\nB,y, bad\nC,z,\n")
    findings = [_finding((4, 3), "wrong_type", str(path)), _finding((4,), "bad_date", str(path))]
    table = collect_quarantined(findings, SourceConfig(str(path), "", {"ticker": "Symbol"}))
    assert table.to_csv(index=False).replace(str(path), "F") == (
        "Symbol,file (given),open,file,line,reason\n"
        "B,y, bad,F,3,wrong_type: why\n"
        "C,z,,F,4,bad_date: why; wrong_type: why\n"
    )


def test_nothing_quarantined_is_a_header(tmp_path: pathlib.Path) -> None:
    table = collect_quarantined([], SourceConfig(str(tmp_path)))
    assert table.to_csv(index=False) == "ticker,file,line,reason\n"


def test_report_of_the_shipped_bars() -> None:
    panel = read_panel(SHIPPED_SOURCE, ValidationConfig())
    config = ChunkConfig(eval_start="2007-01-01", test_start="2010-01-01")
    summaries = [summarise_ticker(bars, cut_chunks(bars, config)) for bars in panel.bars.values()]
    aside = collect_quarantined(panel.findings, SHIPPED_SOURCE)["ticker"]
    report = build_report(summaries, panel.findings, aside, "abc")
    assert describe(report) == "12,154 bars of 5 tickers, 196 quarantined (FB: 196 bars)"
    assert (report["span"], report["first_date"], report["last_date"]) == (
        20130301, "2000-03-01", "2013-03-01",
    )  # fmt: skip
    # Four tickers' bars beyond the first 260 of each.
    num_targets = sum(split["num_target_days"] for split in report["splits"].values())
    assert num_targets == 3 * (3270 - 260) + 2148 - 260
    assert report["storage_ratio"] <= 1.6
    assert "gaps" not in report  # No calendar is configured.
    assert report["tickers"]["AAPL"] == {"sector": "Information Technology", "num_bars": 3270}


def test_one_line_without_and_with_many_quarantined() -> None:
    report = {"num_bars": 10, "num_tickers": 8, "num_quarantined": 0, "quarantined_tickers": {}}
    assert describe(report) == "10 bars of 8 tickers"
    aside = {f"T{index}": index for index in range(1, 8)}
    report |= {"num_quarantined": 28, "quarantined_tickers": aside}
    assert describe(report).endswith("(T7: 7 bars, T6: 6 bars, T5: 5 bars, T4: 4 bars, T3: 3 bars, "
                                     "and 2 more tickers)")  # fmt: skip


def test_gaps_are_added_up_and_told_only_where_there_are_some() -> None:
    summaries = [
        TickerSummary("A", "x", 300, 0, 400, _EVERY_SPLIT, TickerGaps("A", 3, 2, Gap(2, 10, 11))),
        TickerSummary("B", "x", 300, 0, 400, _EVERY_SPLIT, TickerGaps("B", 4, 1, Gap(4, 20, 25))),
    ]
    report = build_report(summaries, [], [], "abc")
    assert report["gaps"] == {
        "num_missing_sessions": 7,
        "num_gaps": 3,
        "longest": {
            "ticker": "B", "num_sessions": 4, "first_date": "1970-01-21", "last_date": "1970-01-26",
        },
    }  # fmt: skip
    assert describe(report) == (
        "600 bars of 2 tickers; 7 sessions missing in 3 gaps (longest B: 4 from 1970-01-21)"
    )
    whole = [dataclasses.replace(each, gaps=TickerGaps(each.ticker, 0, 0, None)) for each in summaries]
    report = build_report(whole, [], [], "abc")
    assert report["gaps"] == {"num_missing_sessions": 0, "num_gaps": 0, "longest": None}
    assert describe(report) == "600 bars of 2 tickers"


def test_a_split_without_labels_is_refused() -> None:
    panel = read_panel(SHIPPED_SOURCE, ValidationConfig())
    config = ChunkConfig(eval_start="2010-01-01", test_start="2020-01-01")
    summaries = [summarise_ticker(bars, cut_chunks(bars, config)) for bars in panel.bars.values()]
    with pytest.raises(
        InputError, match=r"split test must hold known labels, got none in bars from 2000-03-01"
    ):
        build_report(summaries, [], [], "abc")


def test_no_ticker_left_is_refused() -> None:
    with pytest.raises(InputError, match=r"got 2 rows, all of them quarantined \(short_history\)"):
        build_report([], [_finding((2, 3), "short_history", "f.csv")], ["A", "A"], "abc")


@pytest.mark.parametrize("as_of", ["1990-01-01", ""])
def test_no_bars_up_to_the_day_is_told_so(as_of: str) -> None:
    message = f"got no bars up to chunks.as_of {as_of}".strip()
    with pytest.raises(InputError, match=f"{message}; give a later day"):
        build_report([], [], [], "abc", as_of)
