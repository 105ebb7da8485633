"""An ingest that takes new days only gives, byte by byte, what one of everything gives."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from components import contract
from components.errors import InputError
from components.ingest.bars import ValidationConfig, iso_date
from components.ingest.chunks import ChunkConfig
from components.ingest.exchange_calendar import read_session_days
from components.ingest.source_config import SourceConfig
from tests.components.lake.lakes import add

pytestmark = pytest.mark.tf

SESSIONS = [
    iso_date(day) for day in read_session_days("XNYS") if "2018-01-01" <= iso_date(day) <= "2020-12-31"
]
CHUNKS = ChunkConfig(chunk_days=40, eval_start="2019-07-01", test_start="2019-11-01", num_shards=2)
STARTS = {"LONG": 0, "LATE": 40, "NEWLY": 390, "FRESH": 480}
"""First bar of each ticker: a settled one, one with little before the test split, and two with less than a
chunk needs, of which one begins within the test split."""
POLICIES = ValidationConfig(unadjusted_split="quarantine")


def close_of(ticker: str, day: int) -> float:
    """A walk without jumps."""
    return 50.0 + 5.0 * np.sin(day / 7.0 + len(ticker)) + day / 100.0


def make_bars(first: int, last: int) -> dict[tuple[str, str], float]:
    """The bars of all tickers on some sessions."""
    return {
        (ticker, SESSIONS[day]): close_of(ticker, day)
        for ticker, start in STARTS.items()
        for day in range(max(first, start), last)
    }


@pytest.fixture
def ingest() -> ModuleType:
    from tests.components.ingest import ingest_run

    return ingest_run


class Days:
    """A lake to which days come, and its ingests."""

    def __init__(self, folder: pathlib.Path, ingest: ModuleType) -> None:
        self._folder, self._ingest = folder, ingest
        self._lake = folder / "lake"
        self._number = 0

    def add(self, bars: Mapping[tuple[str, str], float], is_correction: bool = False) -> None:
        """Adds a commit."""
        self._number += 1
        assert add(self._lake, bars, iso_date(20000 + self._number), is_correction)

    def check(
        self, validation: ValidationConfig = POLICIES, chunks: ChunkConfig = CHUNKS, **source: Any
    ) -> str:
        """Holds an ingest that may reuse against one of everything; the day before which it did."""
        self._number += 1
        config = SourceConfig(str(self._lake), "", **source)
        own, whole = (self._folder / f"{kind}{self._number}" for kind in ("own", "whole"))
        told = {contract.CODE_PROPERTY: "code", contract.RESULTS_PROPERTY: str(self._folder / "kept")}
        made = self._ingest.run_ingest(own, config, validation, chunks, properties=told)
        everything = self._ingest.run_ingest(whole, config, validation, chunks)
        assert made.files() == everything.files()
        assert len(made.files()) == 2 * 3 + 2
        return str(made.examples.get_string_custom_property(contract.REUSED_BEFORE_PROPERTY))


@pytest.fixture
def days(tmp_path: pathlib.Path, ingest: ModuleType) -> Days:
    made = Days(tmp_path, ingest)
    made.add(make_bars(0, 600))
    assert made.check() == ""
    return made


REUSED = CHUNKS.test_start


def test_new_days_and_a_new_ticker(days: Days) -> None:
    assert days.check() == REUSED
    for first, last in ((600, 601), (601, 640)):
        days.add(make_bars(first, last))
        assert days.check() == REUSED
    # NEWLY has by now bars enough to be more than set aside, and its chunks are all of the test split.
    days.add({("OTHER", day): 7.0 + number / 50 for number, day in enumerate(SESSIONS[300:640])})
    assert days.check() == ""
    assert days.check() == REUSED


def test_a_correction_counts_where_it_is(days: Days) -> None:
    days.add({("LONG", SESSIONS[540]): 61.0}, is_correction=True)
    assert days.check() == REUSED
    days.add({("LONG", SESSIONS[100]): 61.0}, is_correction=True)
    assert days.check() == ""
    assert days.check(known_on=iso_date(20000 + 1)) == REUSED


def test_a_ticker_that_new_rows_spoil_or_let_in_changes_its_chunks_before(days: Days) -> None:
    split = {("LONG", SESSIONS[600]): close_of("LONG", 599) / 2.0}
    days.add(split)
    assert [days.check(), days.check()] == ["", REUSED]
    days.add({("LONG", SESSIONS[600]): close_of("LONG", 600)}, is_correction=True)
    assert [days.check(), days.check()] == ["", REUSED]


def test_an_ingest_of_what_changed_meanwhile_leaves_nothing(
    days: Days, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.ingest import new_days

    def divide(*given: Any) -> Any:
        divided = divide_before(*given)
        monkeypatch.undo()
        days.add({("LONG", SESSIONS[100]): 61.0}, is_correction=True)
        return divided

    shutil.rmtree(tmp_path / "kept")
    divide_before = new_days.divide
    monkeypatch.setattr(new_days, "divide", divide)
    with pytest.raises(InputError, match="must stay as it was when the run started"):
        days.check()
    assert days.check(known_on=iso_date(20001)) == ""


def test_a_ticker_that_was_short_and_is_so_no_more(tmp_path: pathlib.Path, ingest: ModuleType) -> None:
    made = Days(tmp_path, ingest)
    made.add(make_bars(0, 600))
    policies = dataclasses.replace(POLICIES, min_history_days=562)
    assert made.check(policies) == ""
    made.add(make_bars(600, 601))
    assert made.check(policies) == REUSED
    made.add(make_bars(601, 602))
    assert made.check(policies) == ""


def test_as_of_a_day_in_the_test_split_is_reused_too(days: Days) -> None:
    assert days.check(chunks=dataclasses.replace(CHUNKS, as_of=SESSIONS[470])) == REUSED


def test_what_is_kept_depends_on_all_that_it_was_made_of(tmp_path: pathlib.Path) -> None:
    from components.ingest.beam_chunks import IngestConfig
    from components.ingest.new_days import divide
    from components.reuse.results import KeptResults
    from components.transform.market_config import MarketConfig

    add(tmp_path / "lake", make_bars(0, 600), iso_date(20001))
    sectors = tmp_path / "sectors.csv"
    sectors.write_text("ticker,sector\nLONG,Energy\n")
    config = IngestConfig(SourceConfig(str(tmp_path / "lake"), str(sectors)), POLICIES, CHUNKS, 2)

    def key(code: str = "code", **changes: Any) -> str | None:
        divided = divide(dataclasses.replace(config, **changes), KeptResults(str(tmp_path)), code)
        return divided and divided.key

    def chunks(**changes: Any) -> str | None:
        return key(chunks=dataclasses.replace(CHUNKS, **changes))

    first = key()
    assert first is not None
    assert first == key() == chunks(as_of="2020-01-02")
    others = [
        key("edited"),
        key(num_shards=3),
        key(validation=dataclasses.replace(POLICIES, range_tolerance=0.01)),
        chunks(chunk_days=41),
        chunks(eval_start="2019-07-02"),
        chunks(test_start="2019-11-04"),
    ]
    sectors.write_text("ticker,sector\nLONG,Utilities\n")
    others.append(key())
    assert None not in others and len({first, *others}) == len(others) + 1
    assert chunks(as_of="2019-10-31") is None
    assert key(market=MarketConfig(enabled=True)) is None
    assert key(source=SourceConfig(str(sectors), "")) is None


def test_sessions_that_are_missing_before_and_after_are_counted_together(
    tmp_path: pathlib.Path, ingest: ModuleType
) -> None:
    made = Days(tmp_path, ingest)
    bars = make_bars(0, 600)
    for day in (*range(50, 53), *range(300, 303), 455, *range(500, 503)):
        del bars["LONG", SESSIONS[day]]
    bars["LATE", "2018-06-02"] = 50.0  # A Saturday: the ticker is not settled, and its row is set aside.
    made.add(bars)
    policies = dataclasses.replace(POLICIES, calendar="XNYS")
    assert made.check(policies) == ""
    made.add(make_bars(600, 605) | {("LATE", "2020-06-06"): 50.0})
    assert made.check(policies) == REUSED


def test_a_row_before_that_was_set_aside_by_itself_is_not_lost(
    tmp_path: pathlib.Path, ingest: ModuleType
) -> None:
    made = Days(tmp_path, ingest)
    made.add(make_bars(0, 600) | {("LONG", SESSIONS[540]): -1.0})
    policies = dataclasses.replace(POLICIES, bad_price="quarantine")
    assert made.check(policies) == ""
    assert made.check(policies) == REUSED
    made.add({("LONG", SESSIONS[100]): -1.0}, is_correction=True)
    assert made.check(policies) == ""
    assert made.check(policies) == ""
