"""One ticker's history: order, duplicates, length."""

from __future__ import annotations

import numpy as np
import pytest

from components.ingest.bars import Piece, ValidationConfig, day_number, iso_date
from components.ingest.findings import Finding
from components.ingest.history import clean_ticker
from components.ingest.reference import ReferenceData

NUM_DAYS = 300
CONFIG = ValidationConfig()
NO_REFERENCE = ReferenceData()


def _piece(file: str, days: range, offset: int = 0) -> Piece:
    """Bars whose close is 100 + day / 100; lines count from 2."""
    dates = np.array(days, np.int64)
    close = 100.0 + dates / 100.0
    values = np.stack([close, close + 1, close - 1, close, close / 2, dates + 1000.0 + offset], axis=1)
    return Piece(file, np.arange(2, 2 + len(days)), dates, values)


def _lines(findings: list[Finding]) -> dict[tuple[str, str], tuple[int, ...]]:
    return {(finding.check, finding.file): finding.lines for finding in findings}


def test_day_numbers_go_both_ways() -> None:
    assert day_number("1970-01-02") == 1
    assert iso_date(day_number("2000-09-29")) == "2000-09-29"
    assert day_number("1969-12-31") == -1


def test_pieces_are_sorted_by_day_whatever_their_order() -> None:
    late, early = _piece("a.csv", range(150, 300)), _piece("b.csv", range(149, -1, -1))
    bars, findings = clean_ticker("A", "Energy", [late, early], CONFIG, NO_REFERENCE)
    assert findings == []
    assert bars is not None
    assert bars.dates.tolist() == list(range(NUM_DAYS))
    assert bars.close.tolist() == [100.0 + day / 100.0 for day in range(NUM_DAYS)]
    assert (bars.ticker, bars.sector, len(bars)) == ("A", "Energy", NUM_DAYS)


def test_the_order_of_pieces_does_not_matter() -> None:
    pieces = [_piece("b.csv", range(100, 300)), _piece("a.csv", range(200))]
    forward, backward = (
        clean_ticker("A", "x", order, CONFIG, NO_REFERENCE) for order in (pieces, pieces[::-1])
    )
    assert forward[1] == backward[1]
    assert forward[0] is not None and backward[0] is not None
    np.testing.assert_array_equal(forward[0].close, backward[0].close)


def test_identical_bars_keep_the_first_by_file_and_line() -> None:
    pieces = [_piece("b.csv", range(298, 300)), _piece("a.csv", range(NUM_DAYS))]
    bars, findings = clean_ticker("A", "x", pieces, CONFIG, NO_REFERENCE)
    assert _lines(findings) == {("identical_duplicate", "b.csv"): (2, 3)}
    assert bars is not None and len(bars) == NUM_DAYS
    assert "b.csv, line 2" in findings[0].messages[0] and "a.csv, line 300" in findings[0].messages[0]


def test_conflicting_bars_keep_none() -> None:
    config = ValidationConfig(conflicting_duplicate="quarantine")
    pieces = [_piece("a.csv", range(NUM_DAYS)), _piece("b.csv", range(10, 12), offset=1)]
    bars, findings = clean_ticker("A", "x", pieces, config, NO_REFERENCE)
    assert _lines(findings) == {
        ("conflicting_duplicate", "a.csv"): (12, 13),
        ("conflicting_duplicate", "b.csv"): (2, 3),
    }
    assert sum(finding.num_violations for finding in findings) == 2
    assert bars is not None and len(bars) == NUM_DAYS - 2
    assert "volume 1010 and 1011" in findings[1].messages[0]


def test_two_same_and_one_other_bar_of_a_day_are_all_in_conflict() -> None:
    config = ValidationConfig(conflicting_duplicate="quarantine")
    same, other = _piece("b.csv", range(5, 6)), _piece("c.csv", range(5, 6), offset=1)
    bars, findings = clean_ticker(
        "A", "x", [_piece("a.csv", range(NUM_DAYS)), same, other], config, NO_REFERENCE
    )
    assert set(_lines(findings)) == {("conflicting_duplicate", f) for f in ("a.csv", "b.csv", "c.csv")}
    assert bars is not None and 5 not in bars.dates


@pytest.mark.parametrize(("num_days", "is_kept"), [(265, False), (266, True)])
def test_shortest_history(num_days: int, is_kept: bool) -> None:
    bars, findings = clean_ticker("A", "x", [_piece("a.csv", range(num_days))], CONFIG, NO_REFERENCE)
    assert (bars is not None) == is_kept
    assert [finding.check for finding in findings] == ([] if is_kept else ["short_history"])


def test_config_is_checked() -> None:
    with pytest.raises(
        ValueError, match=r"validation.bad_price must be one of refuse, quarantine, got 'ignore'"
    ):
        ValidationConfig(bad_price="ignore")
    with pytest.raises(ValueError, match=r"validation.min_history_days must be at least 261"):
        ValidationConfig(min_history_days=260)
    with pytest.raises(ValueError, match=r"validation.range_tolerance"):
        ValidationConfig(range_tolerance=-0.1)
