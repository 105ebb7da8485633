"""Bars that should never have been: they go, what was known before still has them, and nothing else moves."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import pandas as pd
import pytest

from components.errors import InputError
from components.ingest import sources
from components.ingest.bars import ValidationConfig
from components.ingest.source_config import SourceConfig
from pipeline.run_ingest import IngestOptions, describe, ingest
from tests.components.lake.lakes import add, make_bars, read_lake, take_in, withdraw, write_csv

DAYS = ["2020-12-30", "2020-12-31", "2021-01-04"]
BARS = make_bars(["AA", "BB"], DAYS)
WRONG = {("AA", "2021-01-04"): 12.0, ("XX", "2021-01-04"): 5.0}
KNOWN_ON, LATER = "2021-01-04", "2021-01-08"


@pytest.fixture(name="lake")
def fixture_lake(tmp_path: pathlib.Path) -> pathlib.Path:
    lake = tmp_path / "lake"
    add(lake, BARS | WRONG, KNOWN_ON)
    return lake


@pytest.fixture(name="file")
def fixture_file(tmp_path: pathlib.Path) -> str:
    """Names the wrong bars, one of them twice, and one that is not there."""
    path = tmp_path / "wrong.csv"
    path.write_text("ticker,date\nXX,2021-01-04\nAA,2021-01-04\nXX,2021-01-04\nZZ,2021-01-04\n")
    return str(path)


def list_files(lake: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in lake.rglob("*") if path.is_file()}


def left(bars: dict[Any, float]) -> dict[Any, float]:
    return {key: close for key, close in bars.items() if key not in WRONG}


def test_bars_go_and_the_past_stays(lake: pathlib.Path, file: str) -> None:
    before = list_files(lake)
    dated = SourceConfig(str(lake), "", known_on=KNOWN_ON)
    fingerprint = sources.fingerprint(dated)
    told = take_in(lake, file, withdrawn_file=file, known_on=LATER)
    assert (told["commit"], told["kind"], told["withdrawn"], told["absent"]) == (2, "withdraw", 2, 1)
    assert read_lake(lake) == left(BARS)
    assert told["num_bars"] == len(left(BARS))
    for day in (KNOWN_ON, "2021-01-07"):
        assert read_lake(lake, day) == BARS | WRONG
    assert {name: content for name, content in list_files(lake).items() if name in before} == before
    assert sources.fingerprint(dated) == fingerprint, "a run dated before it is the same run"
    assert sources.fingerprint(dataclasses.replace(dated, known_on="")) != fingerprint
    assert describe(told).startswith(
        f"{lake}: commit 2 (withdraw), known on {LATER}: 2 withdrawn, 1 not there; 5 bars in "
    )


def test_a_withdrawal_touches_only_files_of_its_days(lake: pathlib.Path) -> None:
    add(lake, {("AA", "2021-01-05"): 13.0, ("AA", "2021-01-06"): 14.0}, "2021-01-06")
    before = list_files(lake)
    assert withdraw(lake, [("AA", "2021-01-05")], LATER) == 1
    new = [name for name in list_files(lake) if name not in before]
    assert len(new) == 2, "one file of bars and the commit"
    assert read_lake(lake)[("AA", "2021-01-06")] == 14.0


def test_the_same_again_is_nothing_and_a_bar_can_come_back(lake: pathlib.Path, file: str) -> None:
    take_in(lake, file, withdrawn_file=file, known_on=LATER)
    before = list_files(lake)
    told = take_in(lake, file, withdrawn_file=file, known_on=LATER)
    assert (told["commit"], told["withdrawn"], told["absent"]) == (None, 0, 3)
    assert list_files(lake) == before
    assert add(lake, {("AA", "2021-01-04"): 7.0}, "2021-01-09"), "by an append, since no bar is changed"
    assert read_lake(lake) == left(BARS) | {("AA", "2021-01-04"): 7.0}
    assert read_lake(lake, LATER) == left(BARS)
    assert read_lake(lake, KNOWN_ON) == BARS | WRONG


def test_a_partition_without_bars(lake: pathlib.Path) -> None:
    """No file is written for it; appends, compaction and readers find it empty."""
    in_2021 = [key for key in BARS | WRONG if key[1].startswith("2021")]
    before = list_files(lake)
    assert withdraw(lake, in_2021, LATER) == len(in_2021)
    assert [name for name in list_files(lake) if name not in before] == ["commits/00000000000000000002.json"]
    expected = {key: close for key, close in BARS.items() if key not in in_2021}
    assert read_lake(lake) == expected
    assert take_in(lake, "none.csv", is_compaction=True)["commit"] is None
    assert add(lake, {("BB", "2021-01-04"): 3.0}, LATER)
    assert read_lake(lake) == expected | {("BB", "2021-01-04"): 3.0}


def test_upkeep_keeps_what_was_known(lake: pathlib.Path) -> None:
    add(lake, {("BB", "2021-01-05"): 13.0}, "2021-01-05")
    withdraw(lake, WRONG, LATER)
    after = left(BARS) | {("BB", "2021-01-05"): 13.0}
    take_in(lake, "none.csv", is_compaction=True)
    assert read_lake(lake) == after
    assert read_lake(lake, KNOWN_ON) == BARS | WRONG
    told = take_in(lake, "none.csv", readable_from="2021-01-05")
    assert (told["kind"], told["deleted"]) == ("vacuum", 0), "the day before the withdrawal needs them all"
    assert read_lake(lake, "2021-01-05") == BARS | WRONG | after
    told = take_in(lake, "none.csv", readable_from=LATER)
    assert told["deleted"] and read_lake(lake) == after
    with pytest.raises(InputError, match=f"source.known_on must be {LATER} or later"):
        read_lake(lake, "2021-01-05")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ticker,day\nAA,2021-01-04\n", r"must have the columns ticker and date, got no date; "),
        ("ticker,date\n", "must name bars, got no rows"),
        ("ticker,date\nAA,2021-01-04\nAA,soon\n", "line 3: must name a ticker and a day .*'soon'"),
        ("ticker,date\n ,2021-01-04\n", "line 2: must name a ticker"),
        ("ticker,date\nAA,2021-01-04,1,2\n", "must be a table with a header"),
        (None, "must be a readable file"),
    ],
)
def test_a_file_that_names_no_bars(
    lake: pathlib.Path, tmp_path: pathlib.Path, text: str | None, complaint: str
) -> None:
    before = list_files(lake)
    file = tmp_path / "odd.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=complaint) as raised:
        take_in(lake, "none.csv", withdrawn_file=str(file))
    assert "\n" not in str(raised.value)
    assert list_files(lake) == before


def test_what_is_refused_leaves_nothing(lake: pathlib.Path, tmp_path: pathlib.Path, file: str) -> None:
    before = list_files(lake)
    with pytest.raises(InputError, match=r"--withdraw must leave .* at least one bar, got all 7 of them"):
        withdraw(lake, BARS | WRONG, LATER)
    with pytest.raises(InputError, match=f"--known-on must be {KNOWN_ON} or later"):
        take_in(lake, file, withdrawn_file=file, known_on="2021-01-03")
    assert list_files(lake) == before
    with pytest.raises(InputError, match="must hold bars for some to be withdrawn, got none"):
        take_in(tmp_path / "none", file, withdrawn_file=file)
    assert not (tmp_path / "none").exists()


def test_the_file_that_brought_the_bars_will_do(tmp_path: pathlib.Path, lake: pathlib.Path) -> None:
    """Under the names that its columns have, and as Parquet."""
    csv = write_csv(tmp_path / "bars.csv", WRONG)
    parquet = str(tmp_path / "bars.parquet")
    pd.read_csv(csv, parse_dates=["date"]).rename(columns={"ticker": "symbol"}).to_parquet(parquet)
    source = SourceConfig("none.csv", "", {"ticker": "symbol"})
    told = ingest(
        IngestOptions(str(lake), source, ValidationConfig(), known_on=LATER, withdrawn_file=parquet)
    )
    assert (told["withdrawn"], told["absent"]) == (2, 0)
    assert read_lake(lake) == left(BARS)
