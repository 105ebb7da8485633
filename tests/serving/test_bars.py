"""serving.bars: what leaves the client."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from components import contract
from components.errors import InputError
from serving.bars import take_latest_bars
from tests.serving.sample_bars import make_frame, make_mapping


def test_frame_and_mapping_give_the_same_latest_bars():
    frame = make_frame()
    latest = take_latest_bars(frame.sample(frac=1.0, random_state=1))
    assert latest.tickers == ("S000", "S001")
    for name in contract.BAR_COLUMNS:
        own = frame[frame[contract.TICKER] == "S001"][name].to_numpy()[-contract.LOOKBACK :]
        np.testing.assert_array_equal(latest.columns[name][1], own.astype(np.float32))
        assert latest.columns[name].dtype == np.float32
    again = take_latest_bars(make_mapping(frame))
    assert str(again.as_of[0]) == str(latest.as_of[0]) == frame[contract.DATE].iloc[contract.LOOKBACK + 4]
    for name in contract.BAR_COLUMNS:
        np.testing.assert_array_equal(again.columns[name], latest.columns[name])


def test_without_dates_the_day_is_unknown():
    latest = take_latest_bars(make_mapping(make_frame(), with_dates=False))
    assert np.isnat(latest.as_of).all()


def test_without_adj_close_close_is_adjusted():
    latest = take_latest_bars(make_frame().drop(columns=contract.ADJ_CLOSE))
    np.testing.assert_array_equal(latest.columns[contract.ADJ_CLOSE], latest.columns[contract.CLOSE])


@pytest.mark.parametrize(
    "convert",
    [
        pd.to_datetime,
        lambda texts: [datetime.date.fromisoformat(text) for text in texts],
        lambda texts: pd.to_datetime(texts).dt.tz_localize(None).to_numpy("datetime64[s]"),
    ],
)
def test_dates_come_in_many_types(convert):
    frame = make_frame(1)
    frame[contract.DATE] = convert(frame[contract.DATE])
    assert take_latest_bars(frame).as_of[0] == np.datetime64(make_frame(1)[contract.DATE].iloc[-1])


def set_value(name, row, value):
    def change(columns):
        array = columns[name].astype(object)
        array[row] = value
        return {**columns, name: array}

    return change


def drop(name):
    return lambda columns: {other: array for other, array in columns.items() if other != name}


def swap_days(columns):
    return {**columns, contract.DATE: columns[contract.DATE][::-1]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (drop(contract.VOLUME), "S000 must have the column volume"),
        (drop(contract.CLOSE), "S000 must have the column close"),
        (set_value(contract.OPEN, -1, 0.0), r"open must be positive and finite, got 0 at 2001-\d\d-\d\d"),
        (set_value(contract.LOW, -2, -1.5), "low must be positive and finite, got -1.5"),
        (set_value(contract.CLOSE, -1, np.nan), "close must be positive and finite, got nan"),
        (set_value(contract.ADJ_CLOSE, -1, 1e-60), "adj_close must be positive and finite, got 0"),
        (set_value(contract.HIGH, -1, 1e60), "high must be positive and finite, got inf"),
        (set_value(contract.VOLUME, -1, -1), "volume must be zero or more and finite"),
        (set_value(contract.HIGH, -1, 0.01), "high must be at least low"),
        (set_value(contract.CLOSE, -1, "n/a"), "close must hold numbers"),
        (set_value(contract.DATE, -1, "soon"), "date must be a day"),
        (set_value(contract.DATE, -1, None), "date must be a day"),
        (lambda c: {**c, contract.DATE: np.arange(len(c[contract.CLOSE]))}, "date must be a day"),
        (swap_days, "one a day, oldest first"),
        (set_value(contract.DATE, -1, make_frame(1)[contract.DATE].iloc[-2]), "one a day"),
        (
            lambda c: {**c, contract.OPEN: c[contract.OPEN][1:]},
            r"as long as close \[265\], got \[264\] of open",
        ),
        (lambda c: {n: a[6:] for n, a in c.items()}, "must be at least 260, got 259"),
        (lambda c: {n: np.stack([a, a]) for n, a in c.items()}, "each column must be one list"),
    ],
)
def test_bad_bars_are_refused_before_they_are_sent(change, reason):
    columns = change(make_mapping(make_frame(1))["S000"])
    with pytest.raises(InputError, match=reason):
        take_latest_bars({"S000": columns})


def test_the_culprit_is_found_among_many():
    bars = make_mapping(make_frame(3))
    for name, value, reason in [
        (contract.VOLUME, "many", "bars of S001: volume must hold numbers"),
        (contract.LOW, -1.0, "bars of S001: low must be positive"),
        (contract.DATE, "soon", "bars of S001: date must be a day"),
        (contract.DATE, "1999-01-01", "bars of S001 must be one a day"),
    ]:
        with pytest.raises(InputError, match=reason):
            take_latest_bars({**bars, "S001": set_value(name, -1, value)(bars["S001"])})
    for name in (contract.HIGH, contract.DATE):
        shorter = {**bars["S001"], name: bars["S001"][name][1:]}
        with pytest.raises(InputError, match=rf"bars of S001: .* got \[264\] of {name}"):
            take_latest_bars({**bars, "S001": shorter})
    with pytest.raises(InputError, match="bars of S001 must have the column high, got"):
        take_latest_bars({**bars, "S001": drop(contract.HIGH)(bars["S001"])})


def test_tickers_may_come_in_several_types_and_some_without_days():
    bars = make_mapping(make_frame(3))
    expected = take_latest_bars(bars)
    bars["S001"] = drop(contract.DATE)({name: list(column) for name, column in bars["S001"].items()})
    bars["S002"] = {name: column.astype(object) for name, column in bars["S002"].items()}
    latest = take_latest_bars(bars)
    for name in contract.BAR_COLUMNS:
        np.testing.assert_array_equal(latest.columns[name], expected.columns[name])
    assert np.isnat(latest.as_of).tolist() == [False, True, False]
    assert latest.as_of[2] == expected.as_of[2]


def test_bars_before_the_latest_are_not_looked_at():
    columns = set_value(contract.CLOSE, 0, -1.0)(make_mapping(make_frame(1))["S000"])
    take_latest_bars({"S000": columns})


@pytest.mark.parametrize("bars", [[], {}, {"A": [1, 2]}, make_frame().iloc[:0], None])
def test_what_is_no_table_of_bars_is_refused(bars):
    with pytest.raises(InputError, match="bars must be"):
        take_latest_bars(bars)


@pytest.mark.parametrize("name", [contract.TICKER, contract.DATE])
def test_a_frame_needs_ticker_and_date(name):
    with pytest.raises(InputError, match=f"must have the column {name}"):
        take_latest_bars(make_frame().drop(columns=name))


def test_a_ticker_must_have_a_name():
    with pytest.raises(InputError, match="a ticker must be a name"):
        take_latest_bars({"": make_mapping(make_frame(1))["S000"]})
