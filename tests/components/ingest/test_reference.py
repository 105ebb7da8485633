"""Bars beside corporate actions and a calendar, read as the pipeline reads them."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import pandas as pd
import pytest

from components import contract
from components.errors import InputError
from components.ingest import sources
from components.ingest.bars import ValidationConfig, day_number, iso_date
from components.ingest.panel import Panel, read_panel
from components.ingest.sessions import Gap, TickerGaps
from components.ingest.source_config import SourceConfig
from serving.latest_bars import read_latest_bars
from serving.universe import read_universe
from tests.components.ingest.shipped import SHIPPED_SOURCE

NO_CALENDAR = ValidationConfig()
NEW_YORK = ValidationConfig(calendar="XNYS")
HEADER = "ticker,date,kind,value,known_on"
APPLE = (
    "AAPL,2000-06-21,split,2,",
    "AAPL,2005-02-28,split,2,",
    "AAPL,2012-08-09,dividend,2.65,",
    "AAPL,2012-11-07,dividend,2.65,",
    "AAPL,2013-02-07,dividend,2.65,",
)
"""All of Apple's in the span of the shipped bars, which have its closes as traded."""
PASSED_OVER = {contract.ADJ_CLOSE: ""}


@pytest.fixture(name="apple", scope="module")
def fixture_apple() -> pd.DataFrame:
    table = pd.read_csv(SHIPPED_SOURCE.path)
    return table[table[contract.TICKER] == "AAPL"].sort_values(contract.DATE).reset_index(drop=True)


@pytest.fixture(name="make")
def fixture_make(tmp_path: pathlib.Path, apple: pd.DataFrame):
    """Writes bars and actions; returns where they are."""

    def make(*actions: str, bars: pd.DataFrame = apple) -> SourceConfig:
        (tmp_path / "actions.csv").write_text("\n".join([HEADER, *actions]) + "\n")
        bars.to_csv(tmp_path / "bars.csv", index=False)
        return SourceConfig(str(tmp_path / "bars.csv"), "", PASSED_OVER, str(tmp_path / "actions.csv"))

    return make


def read(source: SourceConfig, last_day: str = "", validation: ValidationConfig = NO_CALENDAR) -> Panel:
    return read_panel(source, validation, day_number(last_day) if last_day else None)


def adj_close_of(panel: Panel) -> np.ndarray:
    return panel.bars["AAPL"].adj_close


def test_the_vendors_adjusted_closes_come_out(make, apple: pd.DataFrame) -> None:
    """The vendor's ratio to ours is constant, but for his way with dividends: (close + d) / close before."""
    ours, vendors = adj_close_of(read(make(*APPLE))), apple[contract.ADJ_CLOSE].to_numpy()
    difference = np.abs(np.diff(np.log(ours)) - np.diff(np.log(vendors)))
    ex_days = np.isin(apple[contract.DATE][1:], ["2012-08-09", "2012-11-07", "2013-02-07"])
    assert difference[~ex_days].max() < 1e-12
    assert difference[ex_days].max() < 2e-4
    assert ours[-1] == apple[contract.CLOSE].iloc[-1]


def test_splits_in_the_table_are_no_findings_and_those_out_of_it_are(make) -> None:
    assert read(make(*APPLE)).findings == ()
    with pytest.raises(
        InputError,
        match=r"line 1256, column adj_close: must be adjusted for splits, got a jump from \S+ to \S+ "
        r"\(AAPL 2005-02-28\); mend the splits in source.actions_path, or",
    ):
        read(make(*APPLE[:1], *APPLE[2:]))


def test_what_becomes_known_later_changes_nothing_before(make) -> None:
    """Known on 2005-03-10, a split of 2005-02-28: a run as of the day before sees the raw closes."""
    late = "AAPL,2005-02-28,split,2,2005-03-10"
    lenient = ValidationConfig(accepted_jumps=("AAPL 2005-02-28",))
    for last_day in ("2005-02-25", "2005-03-01", "2005-03-09"):
        without, given = (read(make(APPLE[0], *rows), last_day, lenient) for rows in ((), (late, *APPLE[2:])))
        assert adj_close_of(given).tobytes() == adj_close_of(without).tobytes()
    after = adj_close_of(read(make(APPLE[0], late), "2005-03-10", lenient))
    before = adj_close_of(read(make(APPLE[0], late), "2005-03-09", lenient))
    assert after[0] == before[0] / 2.0 and after[-1] < 60.0


def test_an_announced_split_waits_for_its_ex_day(make, apple: pd.DataFrame) -> None:
    early = "AAPL,2005-02-28,split,2,2005-02-11"
    panel = read(make(APPLE[0], early), "2005-02-25")
    assert adj_close_of(panel)[-1] == 88.99


def test_past_returns_are_the_same_whatever_came_later(make) -> None:
    """Of a run as of 2005 and one as of 2013, after one more split and three dividends."""
    source = make(*APPLE)
    early, late = adj_close_of(read(source, "2005-02-25")), adj_close_of(read(source))
    past = np.diff(np.log(late[: len(early)]))
    assert late[0] != early[0]
    np.testing.assert_allclose(past, np.diff(np.log(early)), atol=1e-14)


def test_actions_of_other_tickers_are_passed_over(make) -> None:
    with_others = read(make(*APPLE, "IBM,2005-02-25,split,7,"))
    assert adj_close_of(with_others).tobytes() == adj_close_of(read(make(*APPLE))).tobytes()


def test_a_dividend_that_eats_the_price_is_refused_in_one_line(make) -> None:
    with pytest.raises(
        InputError, match=r"^\S+actions.csv, line 2, column value: a dividend must be less"
    ) as refusal:
        read(make("AAPL,2005-02-25,dividend,900,", *APPLE))
    assert "\n" not in str(refusal.value)


def test_two_sources_of_adj_close_are_refused(make) -> None:
    source = dataclasses.replace(make(*APPLE), columns={})
    with pytest.raises(
        InputError,
        match=r"must leave adj_close to \S+actions.csv, got a column adj_close; set source.columns",
    ):
        read(source)
    assert len(read(dataclasses.replace(source, actions_path="")).bars["AAPL"]) == 3270


def test_only_adj_close_can_be_passed_over() -> None:
    with pytest.raises(
        ValueError, match=r"must name the file's column, got '' for close; only adj_close can be"
    ):
        SourceConfig(columns={contract.CLOSE: "", contract.ADJ_CLOSE: ""})


def test_changed_actions_are_a_changed_input(make) -> None:
    first = sources.fingerprint(make(*APPLE))
    assert sources.fingerprint(make(*APPLE)) == first
    assert sources.fingerprint(make(*APPLE[:4])) != first
    assert sources.fingerprint(dataclasses.replace(make(*APPLE), actions_path="")) != first


def test_forecasts_see_the_same_prices(make, apple: pd.DataFrame) -> None:
    source, last_day = make(*APPLE), day_number("2012-12-31")
    expected = read(source, "2012-12-31").bars["AAPL"].adj_close[-contract.LOOKBACK :]
    own = read_latest_bars(source, ValidationConfig(), ["AAPL"], last_day)["AAPL"]
    universe = read_universe(source, ValidationConfig(), last_day).bars["AAPL"]
    assert np.asarray(own[contract.ADJ_CLOSE]).tobytes() == expected.tobytes()
    assert np.asarray(universe[contract.ADJ_CLOSE]).tobytes() == expected.tobytes()
    assert np.asarray(own[contract.ADJ_CLOSE])[0] != np.asarray(own[contract.CLOSE])[0]


def without(apple: pd.DataFrame, *dates: str) -> pd.DataFrame:
    return apple[~apple[contract.DATE].isin(dates)]


def test_holidays_are_no_gaps_and_a_missing_tuesday_is(make, apple: pd.DataFrame) -> None:
    """The shipped bars lie over Thanksgivings, September 2001 and Hurricane Sandy."""
    assert read(make(*APPLE), "", NEW_YORK).gaps == {"AAPL": TickerGaps("AAPL", 0, 0, None)}
    bars = without(apple, "2012-11-20", "2001-09-10", "2001-09-17")
    gap = Gap(2, day_number("2001-09-10"), day_number("2001-09-17"))
    assert read(make(*APPLE, bars=bars), "", NEW_YORK).gaps == {"AAPL": TickerGaps("AAPL", 3, 2, gap)}


def test_without_a_calendar_nothing_is_said_of_gaps(make, apple: pd.DataFrame) -> None:
    assert read(make(*APPLE, bars=without(apple, "2012-11-20"))).gaps == {}


def test_a_bar_on_a_saturday_is_set_aside(make, apple: pd.DataFrame) -> None:
    saturday = apple.iloc[[100]].assign(date="2012-11-24")
    source = make(*APPLE, bars=pd.concat([apple, saturday]))
    panel = read(source, "", NEW_YORK)
    assert [(found.check, found.lines, found.reason) for found in panel.findings] == [
        ("no_session", (len(apple) + 2,), "no_session: the day is no trading day of XNYS")
    ]
    assert adj_close_of(panel).tobytes() == adj_close_of(read(make(*APPLE))).tobytes()
    source = make(*APPLE, bars=pd.concat([apple, saturday]))
    with pytest.raises(
        InputError,
        match=r"bars.csv, line 3272, column date: must be a trading day of XNYS, got AAPL 2012-11-24; take "
        r"the line out, or set validation.no_session to quarantine$",
    ):
        read(source, "", dataclasses.replace(NEW_YORK, no_session="refuse"))


def test_a_ticker_without_any_session_is_set_aside_whole(make, apple: pd.DataFrame) -> None:
    saturdays = pd.date_range("2005-01-01", periods=300, freq="7D").strftime("%Y-%m-%d")
    other = apple.iloc[:300].assign(ticker="SAT", date=saturdays)
    panel = read(make(*APPLE, bars=pd.concat([apple, other])), "", NEW_YORK)
    assert list(panel.bars) == ["AAPL"]
    assert [(found.check, len(found.lines)) for found in panel.findings] == [("no_session", 300)]


def test_bars_that_the_calendar_does_not_reach_are_refused_in_one_line(make, apple: pd.DataFrame) -> None:
    source = make(bars=apple[-300:])
    with pytest.raises(
        InputError,
        match=r"bars of AAPL must lie within the calendar \(XSAU, 2021-01-03 to 20..-..-..\), got 2011-.* to "
        r"2013-03-01; leave validation.calendar empty, or take the other bars out$",
    ) as refusal:
        read(source, "", ValidationConfig(calendar="XSAU"))
    assert "\n" not in str(refusal.value)


def test_universe_and_latest_bars_leave_saturdays_out(make, apple: pd.DataFrame) -> None:
    saturday = apple.iloc[[100]].assign(date="2013-02-23")
    expected = read(make(*APPLE)).bars["AAPL"].dates[-contract.LOOKBACK :]
    source = make(*APPLE, bars=pd.concat([apple, saturday]))
    own = read_latest_bars(source, NEW_YORK, ["AAPL"])["AAPL"]
    universe = read_universe(source, NEW_YORK).bars["AAPL"]
    for columns in (own, universe):
        assert [str(day) for day in columns[contract.DATE]] == [iso_date(day) for day in expected]


def test_the_policy_is_checked() -> None:
    with pytest.raises(
        ValueError, match=r"validation.no_session must be one of refuse, quarantine, got 'drop'"
    ):
        ValidationConfig(no_session="drop")
