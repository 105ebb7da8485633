"""Corporate actions: the table's checks, and closes adjusted by hand, slowly, and as of a day."""

from __future__ import annotations

import pathlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import InputError
from components.ingest.actions import Actions, adjust, read_actions
from components.ingest.bars import day_number, iso_date

HEADER = "ticker,date,kind,value"


def write(folder: pathlib.Path, *rows: str, header: str = HEADER) -> str:
    path = folder / "actions.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def make(*rows: tuple[int, str, float]) -> Actions:
    """Actions of ex-day, kind and value, in the order that read_actions gives."""
    ordered = sorted(rows, key=lambda row: row[:2])
    return Actions(
        "A",
        "f.csv",
        np.arange(2, 2 + len(rows)),
        np.array([day for day, _, _ in ordered], np.int64),
        np.array([kind == "split" for _, kind, _ in ordered], bool),
        np.array([value for _, _, value in ordered], np.float64),
    )


def days(number: int) -> np.ndarray:
    return np.arange(number, dtype=np.int64)


def test_a_split_by_hand() -> None:
    adjusted = adjust(days(4), np.array([100.0, 104.0, 26.5, 27.0]), make((2, "split", 4.0)))
    assert adjusted.tolist() == [25.0, 26.0, 26.5, 27.0]


def test_a_reverse_split_by_hand() -> None:
    adjusted = adjust(days(3), np.array([0.5, 0.75, 8.0]), make((2, "split", 0.1)))
    assert adjusted.tolist() == [5.0, 7.5, 8.0]


def test_a_dividend_by_hand() -> None:
    adjusted = adjust(days(3), np.array([50.0, 40.0, 38.5]), make((2, "dividend", 2.0)))
    assert adjusted.tolist() == [47.5, 38.0, 38.5]  # 1 - 2 / 40 = 0.95


def test_both_by_hand() -> None:
    """Yahoo's own example: help.yahoo.com, article SLN28256."""
    close = np.array([46.99, 48.30, 24.96, 24.91, 24.95, 24.53, 24.54])
    adjusted = adjust(days(7), close, make((2, "split", 2.0), (5, "dividend", 0.08)))
    assert adjusted.round(2).tolist() == [23.42, 24.07, 24.88, 24.83, 24.87, 24.53, 24.54]


def test_a_dividend_on_the_day_of_a_split_is_for_the_old_share() -> None:
    adjusted = adjust(days(2), np.array([10.0, 4.1]), make((1, "split", 2.0), (1, "dividend", 2.0)))
    assert adjusted.tolist() == [4.0, 4.1]  # (10 - 2) / 2


def test_actions_between_two_bars_follow_one_another() -> None:
    """Split on a Saturday, dividend for the new share on the Monday: 10 becomes 5, and 5 less 1 is 4."""
    dates = np.array([4, 7], np.int64)
    adjusted = adjust(dates, np.array([10.0, 4.1]), make((5, "split", 2.0), (7, "dividend", 1.0)))
    assert adjusted.tolist() == [4.0, 4.1]


def test_an_action_without_a_bar_counts_from_the_next() -> None:
    close = np.array([8.0, 4.0])
    assert adjust(np.array([4, 7]), close, make((5, "split", 2.0))).tolist() == [4.0, 4.0]
    assert adjust(np.array([4, 7]), close, make((7, "split", 2.0))).tolist() == [4.0, 4.0]


def test_actions_before_and_after_the_bars_change_nothing() -> None:
    close = np.array([8.0, 9.0])
    outside = make((3, "split", 2.0), (4, "dividend", 3.0), (8, "split", 5.0))
    assert adjust(np.array([4, 7]), close, outside).tolist() == [8.0, 9.0]


def test_a_dividend_as_large_as_the_price_is_refused() -> None:
    with pytest.raises(
        InputError,
        match=r"^f.csv, line 2, column value: a dividend must be less than the close before it, 10, got 10 "
        r"\(A 1970-01-02\); mend the line$",
    ):
        adjust(days(2), np.array([10.0, 4.0]), make((1, "dividend", 10.0)))


def test_prices_that_no_example_can_hold_are_refused() -> None:
    splits = make((1, "split", 1e30), (2, "split", 1e30))
    with pytest.raises(InputError, match=r"actions of A must leave positive and finite prices, got 4e-60 on"):
        adjust(days(3), np.array([4.0, 4.0, 4.0]), splits)


def adjust_slowly(dates: list[int], close: list[float], rows: list[tuple[int, str, float]]) -> list[float]:
    """Bar by bar: all that lies between a bar and the last one."""
    adjusted = []
    for bar in range(len(close)):
        price = close[bar]
        for later in range(bar + 1, len(close)):
            running = close[later - 1]
            for day, kind, value in sorted(rows, key=lambda row: row[:2]):
                if dates[later - 1] < day <= dates[later]:
                    factor = 1.0 / value if kind == "split" else (running - value) / running
                    price, running = price * factor, running * factor
        adjusted.append(price)
    return adjusted


actions_of = st.dictionaries(
    st.tuples(st.integers(0, 40), st.sampled_from(["split", "dividend"])),
    st.floats(0.01, 0.5),
    max_size=6,
).map(lambda found: [(day, kind, value) for (day, kind), value in found.items()])
bars_of = st.dictionaries(st.integers(0, 40), st.floats(20.0, 90.0), min_size=1, max_size=15).map(
    lambda found: sorted(found.items())
)


@given(bars_of, actions_of)
@settings(deadline=None, max_examples=200)
def test_the_slow_way_gives_the_same(
    bars: list[tuple[int, float]], rows: list[tuple[int, str, float]]
) -> None:
    dates, close = [day for day, _ in bars], [price for _, price in bars]
    adjusted = adjust(np.array(dates, np.int64), np.array(close), make(*rows))
    np.testing.assert_allclose(adjusted, adjust_slowly(dates, close, rows), rtol=1e-12)
    assert adjusted[-1] == close[-1]


@given(bars_of, actions_of, st.integers(0, 40), st.floats(0.01, 0.5), st.sampled_from(["split", "dividend"]))
@settings(deadline=None, max_examples=200)
def test_a_later_action_changes_the_level_of_the_past_and_none_of_its_returns(
    bars: list[tuple[int, float]], rows: list[tuple[int, str, float]], day: int, value: float, kind: str
) -> None:
    """To the rounding of a double: at most a few units in the last place."""
    dates, close = np.array([day for day, _ in bars]), np.array([price for _, price in bars])
    known = [row for row in rows if row[0] < day]
    before = adjust(dates, close, make(*known))
    after = adjust(dates, close, make(*known, (day, kind, value)))
    past = dates < day
    np.testing.assert_allclose(np.diff(np.log(after[past])), np.diff(np.log(before[past])), atol=1e-14)


def test_a_later_split_by_two_leaves_the_bits_of_past_returns() -> None:
    close = np.array([51.3, 52.7, 49.9, 50.1, 25.2])
    early = make((1, "dividend", 0.37), (2, "split", 3.0))
    both = make((1, "dividend", 0.37), (2, "split", 3.0), (4, "split", 2.0))
    before, after = adjust(days(4), close[:4], early), adjust(days(5), close, both)[:4]
    assert (after * 2.0).tobytes() == before.tobytes()
    assert (after[1:] / after[:-1]).tobytes() == (before[1:] / before[:-1]).tobytes()


def test_the_table_is_read_ticker_by_ticker(tmp_path: pathlib.Path) -> None:
    path = write(
        tmp_path,
        "B,2001-05-03,split,2",
        "NA, 2001-02-01 ,dividend,0.25",
        "B,2001-05-03,dividend,1",
        "B,2001-01-02,split,3",
    )
    actions = read_actions(path)
    assert list(actions) == ["B", "NA"]
    own = actions["B"]
    assert [iso_date(day) for day in own.days] == ["2001-01-02", "2001-05-03", "2001-05-03"]
    assert own.is_split.tolist() == [True, False, True]
    assert own.values.tolist() == [3.0, 1.0, 2.0]
    assert own.lines.tolist() == [5, 4, 2]


def test_parquet_says_the_same(tmp_path: pathlib.Path) -> None:
    table = pd.DataFrame(
        {
            "ticker": ["A", "A"],
            "date": pd.to_datetime(["2001-01-02", "2001-01-03"]),
            "kind": ["split", "dividend"],
            "value": [2, 3],
            "known_on": pd.to_datetime(["2000-12-01", None]),
        }
    )
    table.to_parquet(tmp_path / "actions.parquet")
    own = read_actions(str(tmp_path / "actions.parquet"), day_number("2001-01-02"))["A"]
    assert (own.days.tolist(), own.values.tolist()) == ([day_number("2001-01-02")], [2.0])


def test_no_actions_are_none(tmp_path: pathlib.Path) -> None:
    assert read_actions(write(tmp_path)) == {}


@pytest.mark.parametrize(
    ("known_on", "known"), [("", "2001-05-03"), ("2001-07-01", "2001-07-01"), ("2001-04-01", "2001-04-01")]
)
def test_an_action_is_known_from_its_day_on(tmp_path: pathlib.Path, known_on: str, known: str) -> None:
    path = write(tmp_path, f"A,2001-05-03,split,2,{known_on}", header=f"{HEADER},known_on")
    assert read_actions(path, day_number(known) - 1) == {}
    assert list(read_actions(path, day_number(known))) == ["A"]
    assert list(read_actions(path)) == ["A"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("A,2001-05-03,merger,2", r"line 3, column kind: must be one of split, dividend, got 'merger'"),
        ("A,2001-05-03,split,0", r"line 3, column value: must be a number, positive and finite, got 0;"),
        ("A,2001-05-03,split,-2", r"line 3, column value: must be a number, positive and finite, got -2;"),
        ("A,2001-05-03,split,2:1", r"line 3, column value: must be .*, got '2:1'"),
        ("A,2001-05-03,split,inf", r"line 3, column value: must be .*, got inf"),
        ("A,2001-05-03,dividend,", r"line 3, column value: must be .*, got ''"),
        ("A,05/03/2001,split,2", r"line 3, column date: must be a day as YYYY-MM-DD, got '05/03/2001'"),
        (",2001-05-03,split,2", r"line 3, column ticker: must be the name of a ticker, got ''"),
        ("A,2001-05-03,split,2,soon", r"line 3, column known_on: must be a day .*, or empty, got 'soon'"),
        ("A,2001-01-02,split,3", r"line 3: must be the only split of A 2001-01-02, got another in line 2;"),
    ],
)  # fmt: skip
def test_a_bad_row_is_refused_by_file_and_line(tmp_path: pathlib.Path, row: str, message: str) -> None:
    full = row if row.count(",") == 4 else f"{row},"
    path = write(tmp_path, "A,2001-01-02,split,2,", full, header=f"{HEADER},known_on")
    with pytest.raises(InputError, match=message) as refusal:
        read_actions(path)
    assert str(refusal.value).startswith(path)
    assert "\n" not in str(refusal.value)


def test_a_table_that_lacks_a_column_or_is_not_there_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(
        InputError, match=r"must have the column kind, got ticker, date, ratio; add it, or leave"
    ):
        read_actions(write(tmp_path, header="ticker,date,ratio"))
    with pytest.raises(InputError, match=r"nowhere.csv must be a readable file"):
        read_actions(str(tmp_path / "nowhere.csv"))
