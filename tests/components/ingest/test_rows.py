"""Rows one by one: parsing whatever types a file has."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from components.ingest.bars import ValidationConfig, day_number
from components.ingest.rows import check_rows, parse_rows

JANUARY_3 = day_number("2000-01-03")


def _rows(**columns: list[object]) -> pd.DataFrame:
    """Two sound bars, with some columns changed."""
    table: dict[str, list[object]] = {
        "ticker": ["A", "A"],
        "date": ["2000-01-03", "2000-01-04"],
        "open": [10.0, 11.0],
        "high": [12.0, 12.0],
        "low": [9.0, 10.0],
        "close": [11.0, 12.0],
        "adj_close": [5.5, 6.0],
        "volume": [100.0, 0.0],
    } | columns
    return pd.DataFrame(table, index=pd.RangeIndex(2, 4, name="line"))


def test_sound_rows_become_pieces_in_contract_order() -> None:
    pieces, findings = check_rows(_rows(ticker=["B", " A "]), "f.csv", ValidationConfig())
    assert findings == []
    assert list(pieces) == ["B", "A"]
    assert pieces["B"].lines.tolist() == [2]
    assert pieces["A"].dates.tolist() == [JANUARY_3 + 1]
    assert pieces["A"].values.tolist() == [[11.0, 12.0, 10.0, 12.0, 6.0, 0.0]]


@pytest.mark.parametrize("dtype", [object, "category"])
def test_a_text_that_comes_again_is_the_same_each_time(dtype: str) -> None:
    rows = _rows(
        ticker=pd.Series(["B ", None], [2, 3], dtype), date=pd.Series(["2000-01-03"] * 2, [2, 3], dtype)
    )
    parsed = parse_rows(rows)
    assert parsed.tickers.tolist() == ["B", ""]
    assert parsed.days.astype(str).tolist() == ["2000-01-03"] * 2


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([600519, 1], ["600519", "1"]),
        (pd.array([600519, None], "Int64"), ["600519", ""]),
        ([1, True], ["1", ""]),
        ([True, False], ["", ""]),
        ([600519.0, 1.5], ["", ""]),
        ([decimal.Decimal(1), "A"], ["", "A"]),
        ([datetime.date(2000, 1, 3)] * 2, ["", ""]),
        (pd.to_datetime(["2000-01-03"] * 2), ["", ""]),
        ([["A"], ["B"]], ["", ""]),
        ([b"\xff", "A"], ["", "A"]),
        (["A\nB", "A"], ["", "A"]),
        (["A", "A\0"], ["A", ""]),
        (["\x7f", " A\n"], ["", "A"]),
        (pd.Categorical.from_codes([0, 1], categories=["A", "A\0"]), ["A", ""]),
        (pd.Categorical([600519, None]), ["600519", ""]),
        (pd.Categorical([1.5, 2.5]), ["", ""]),
    ],
)
def test_text_and_whole_numbers_alone_name_a_ticker(values: list[object], names: list[str]) -> None:
    assert parse_rows(_rows(ticker=values)).tickers.tolist() == names


def test_without_adj_close_close_is_taken() -> None:
    pieces, _ = check_rows(_rows().drop(columns="adj_close"), "f.csv", ValidationConfig())
    assert pieces["A"].values[:, 4].tolist() == [11.0, 12.0]


@pytest.mark.parametrize(
    "dates",
    [
        ["2000-01-03", "2000-01-04"],
        [" 2000-01-03 ", "2000-01-04T00:00:00Z"],
        ["2000-01-03 00:00:00", "2000-01-04 00:00:00-05:00"],
        [datetime.date(2000, 1, 3), datetime.date(2000, 1, 4)],
        list(pd.to_datetime(["2000-01-03", "2000-01-04"])),
        list(pd.to_datetime(["2000-01-03", "2000-01-04"]).tz_localize("America/New_York")),
    ],
)
def test_days_of_any_type(dates: list[object]) -> None:
    days = parse_rows(_rows(date=dates)).days
    assert days.astype(str).tolist() == ["2000-01-03", "2000-01-04"]


@pytest.mark.parametrize(
    "date",
    [
        "",
        "03.01.2000",
        "2000-1-3",
        "20000103",
        "2000-13-01",
        "2001-02-29",
        "0000-01-01",
        "2000-01-03 09:30",
        "2000-01-03\0",
        None,
    ],
)
def test_what_is_no_day(date: object) -> None:
    assert np.isnat(parse_rows(_rows(date=["2000-01-03", date])).days).tolist() == [False, True]


def test_a_time_of_day_in_a_timestamp_is_no_day() -> None:
    moments = [pd.Timestamp("2000-01-03"), pd.Timestamp("2000-01-04 16:00")]
    assert np.isnat(parse_rows(_rows(date=moments)).days).tolist() == [False, True]


@pytest.mark.parametrize(
    "values",
    [[1, 2], ["1", " 2.0 "], [decimal.Decimal("1.0"), decimal.Decimal(2)], np.float32([1, 2]), ["1e0", "+2"]],
)
def test_numbers_of_any_type(values: list[object]) -> None:
    parsed = parse_rows(_rows(open=list(values)))
    assert parsed.values[:, 0].tolist() == [1.0, 2.0]
    assert parsed.is_number.all()


@pytest.mark.parametrize("value", ["", "x", "1,000", "1_000", "0x10", None, "True"])
def test_what_is_no_number(value: object) -> None:
    parsed = parse_rows(_rows(open=["1", value]))
    assert parsed.is_number[:, 0].tolist() == [True, False]
    assert np.isnan(parsed.values[1, 0])


def test_booleans_are_no_numbers() -> None:
    assert not parse_rows(_rows(open=[True, False])).is_number[:, 0].any()


def test_text_and_number_columns_give_the_same_bits() -> None:
    texts = ["0.1234567890123456789", "118.56"]
    as_text = parse_rows(_rows(open=list(texts))).values[:, 0]
    assert as_text.tolist() == [float(text) for text in texts]


@pytest.mark.parametrize(("price", "check"), [(1e39, "bad_price"), (1e-60, "bad_price"), (-0.0, "bad_price")])
def test_prices_that_examples_cannot_hold_are_bad(price: float, check: str) -> None:
    _, findings = check_rows(_rows(adj_close=[1.0, price]), "f.csv", ValidationConfig())
    assert [(finding.check, finding.lines) for finding in findings] == [(check, (3,))]


@pytest.mark.parametrize(("value", "check"), [("", "wrong_type"), (-1.0, "bad_price")])
def test_a_close_that_stands_for_adj_close_is_told_once(value: object, check: str) -> None:
    rows = _rows(close=[11.0, value]).drop(columns="adj_close")
    _, findings = check_rows(rows, "f.csv", ValidationConfig())
    assert [(finding.check, finding.reason.split()[1]) for finding in findings] == [(check, "close")]


def test_rounding_may_put_the_close_a_little_outside() -> None:
    rows = _rows(close=[12.011, 12.013], high=[12.0, 12.0])
    _, findings = check_rows(rows, "f.csv", ValidationConfig(range_tolerance=0.001))
    assert [finding.lines for finding in findings] == [(3,)]


def test_one_row_with_two_faults_has_two_findings_and_no_piece() -> None:
    rows = _rows(volume=[-1.0, 1.0], low=[0.0, 10.0])
    pieces, findings = check_rows(rows, "f.csv", ValidationConfig())
    assert [(f.check, f.lines) for f in findings] == [("bad_price", (2,)), ("bad_volume", (2,))]
    assert pieces["A"].lines.tolist() == [3]


def test_bars_after_the_last_day_are_ignored_bad_or_not() -> None:
    rows = _rows(close=[11.0, -1.0])
    pieces, findings = check_rows(rows, "f.csv", ValidationConfig(), last_day=JANUARY_3)
    assert findings == []
    assert pieces["A"].dates.tolist() == [JANUARY_3]


def test_no_row_left() -> None:
    pieces, findings = check_rows(_rows(close=[-1.0, -1.0]), "f.csv", ValidationConfig())
    assert pieces == {}
    assert findings[0].num_violations == 2
