"""The report's answer, its file and the bounds of its configuration."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from components.rehearse.replay import RehearsalConfig
from components.rehearse.report import REPORT_FILE, Check, RehearsalReport, read_report, write_report


def test_a_report_comes_back_as_it_was_written(tmp_path: pathlib.Path) -> None:
    report = RehearsalReport(
        (Check("one", ()), Check("two", ("a must b", "c must d"))), {"load_seconds": 0.1}
    )
    write_report(report, str(tmp_path / REPORT_FILE))
    assert read_report(str(tmp_path)) == report
    assert not report.passed
    assert report.reasons == ("a must b", "c must d")


def test_it_passes_only_if_something_was_checked() -> None:
    assert RehearsalReport((Check("one", ()),), {}).passed
    assert not RehearsalReport((), {}).passed


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency_budget_ms": 0.0},
        {"latency_budget_ms": float("nan")},
        {"num_timed_requests": 0},
        {"tolerance": -1e-9},
        {"tolerance": 1.0},
        {"timeout_seconds": 0.0},
    ],
)
def test_bad_bounds_are_refused(wrong: dict[str, Any]) -> None:
    [name] = wrong
    with pytest.raises(ValueError, match=f"^rehearsal.{name} must .*, got .*; "):
        RehearsalConfig(**wrong)
