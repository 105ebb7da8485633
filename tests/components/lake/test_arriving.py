"""Bars on their way into a lake: where they may come from, and what is checked."""

from __future__ import annotations

import io
import pathlib
import re
from typing import Any

import pandas as pd
import pytest

from components.errors import ConfigError, InputError
from components.ingest.bars import ValidationConfig
from components.ingest.source_config import POSTGRES, SourceConfig
from components.lake import arriving
from pipeline.run_ingest import IngestOptions, ingest, run
from tests.components.lake.lakes import (
    HEADER,
    NEW,
    OLD,
    add,
    list_days,
    read_lake,
    take_in,
    write_csv,
)
from tests.fixtures.bad_bars import BAD_INPUTS

KNOWN_ON = "2021-01-04"


@pytest.mark.parametrize(
    "path",
    ["lake", "lake/../lake", ".", "..", "lake/bars", "link", "lake/contract.json", "lake/bars/**/*.parquet",
     "**/*.parquet", "l*/bars/*/*/*"],
)  # fmt: skip
def test_a_lake_is_no_source_of_itself(
    lake: pathlib.Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    add(lake, OLD, "2021-01-04")
    monkeypatch.chdir(lake.parent)
    pathlib.Path("link").symlink_to("lake/bars")
    for location in ("lake", str(lake)):
        with pytest.raises(ConfigError, match="must be another place than --lake, got "):
            take_in(location, path)


@pytest.mark.parametrize("path", ["lake2", "lake2/*.csv", "*/*.csv", "lake2/new.csv"])
def test_a_source_beside_a_lake(lake: pathlib.Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    add(lake, OLD, "2021-01-04")
    monkeypatch.chdir(lake.parent)
    pathlib.Path("lake2").mkdir()
    write_csv(pathlib.Path("lake2/new.csv"), NEW)
    assert take_in("lake", path)["added"] == len(NEW)


def test_rows_of_a_database_lie_in_no_lake(tmp_path: pathlib.Path) -> None:
    IngestOptions(str(tmp_path), SourceConfig(f"{tmp_path}/x.csv", kind=POSTGRES), ValidationConfig())


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_bad_bars_do_not_enter(bad: Any, lake: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = str(bad.write(tmp_path))
    if bad.check in ("unadjusted_split", "short_history"):
        assert take_in(lake, path)["added"], "a whole history is judged when it is read"
        return
    refusing = ValidationConfig(**({bad.check: "refuse"} if bad.check else {}))
    with pytest.raises(InputError):
        take_in_checked(lake, path, refusing)
    assert not lake.exists()


def take_in_checked(lake: pathlib.Path, path: str, validation: ValidationConfig) -> dict[str, Any]:
    return ingest(IngestOptions(str(lake), SourceConfig(path, ""), validation))


def test_rows_set_aside_are_kept_with_their_reasons(lake: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = pathlib.Path(write_csv(tmp_path / "bars.csv", OLD))
    path.write_text(path.read_text() + "AA,2021-01-06,1,2,3,2,1,5\n")
    told = take_in_checked(lake, str(path), ValidationConfig(high_below_low="quarantine"))
    assert (told["added"], told["quarantined"]) == (len(OLD), 1)
    [row] = pd.read_csv(told["quarantine"], dtype=str).to_dict("records")
    assert (row["ticker"], row["line"], row["file"]) == ("AA", "8", str(path))
    assert row["reason"].startswith("high_below_low: ")
    only_bad = tmp_path / "bad.csv"
    only_bad.write_text(f"{HEADER}\nAA,2021-01-06,1,2,3,2,1,5\n")
    with pytest.raises(InputError, match="must leave at least one sound row, got 1 rows"):
        take_in_checked(lake, str(only_bad), ValidationConfig(high_below_low="quarantine"))


SATURDAY = ("AA", "2021-01-02")


@pytest.mark.parametrize("others", [{}, OLD], ids=["alone", "among others"])
def test_a_bar_on_no_trading_day_does_not_enter(
    lake: pathlib.Path, tmp_path: pathlib.Path, others: Any
) -> None:
    path = write_csv(tmp_path / "bars.csv", others | {SATURDAY: 5.0, ("ZZ", "2020-12-30"): 5.0})
    message = f"{path}, line {len(others) + 2}, column date: must be a trading day of XNYS, got AA 2021-01-02"
    with pytest.raises(InputError, match=re.escape(message)):
        take_in_checked(lake, path, ValidationConfig(calendar="XNYS", no_session="refuse"))
    assert not lake.exists()
    told = take_in_checked(lake, path, ValidationConfig(calendar="XNYS"))
    assert (told["added"], told["quarantined"]) == (len(others) + 1, 1)
    assert "no_session: " in pathlib.Path(told["quarantine"]).read_text()
    assert SATURDAY not in read_lake(lake)


def test_corporate_actions_belong_to_the_run_that_reads_the_lake(
    lake: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """So a configuration may serve both; that they are passed over is said where bars come in."""
    source = SourceConfig(write_csv(tmp_path / "bars.csv", OLD), "", actions_path="none.csv")
    told = []
    for is_compaction in (False, True):
        asked = IngestOptions(str(lake), source, ValidationConfig(), is_compaction=is_compaction)
        stderr = io.StringIO()
        assert run(asked, io.StringIO(), stderr) == 0
        told.append("source.actions_path is not used here: " in stderr.getvalue())
    assert told == [True, False]


def test_a_bar_of_a_day_to_come(lake: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """It is named with its line; a day of knowledge is advised only where it would be taken."""
    tomorrow, later = list_days(arriving.last_day(), 2)
    mends = {tomorrow: f"give --known-on {tomorrow} or later, or mend the date", later: "mend the date"}
    for day, mend in mends.items():
        path = write_csv(tmp_path / "bars.csv", OLD | {("BB", day): 5.0} | {("ZZ", "2020-12-30"): 5.0})
        message = f"{path}, line {len(OLD) + 2}: must be of a day until it was known, got BB {day} known on "
        message += f"{KNOWN_ON}; "
        with pytest.raises(InputError, match=re.escape(message + mend) + "$"):
            take_in(lake, path, known_on=KNOWN_ON)
        assert not lake.exists()
    assert take_in(lake, write_csv(tmp_path / "bars.csv", {("BB", tomorrow): 5.0}), known_on=tomorrow)[
        "added"
    ]


def test_the_first_of_many_rows_set_aside_is_named(lake: pathlib.Path, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "bars"
    folder.mkdir()
    for name in ("b.csv", "a.csv"):
        (folder / name).write_text(f"{HEADER}\nAA,2021-01-06,1,2,3,2,1,5\nAA,2021-01-06,1,2,3,2,1,5\n")
    message = (
        f"got 4 rows, all of them quarantined (high_below_low), the first: {folder}/a.csv, line 2, column"
    )
    with pytest.raises(InputError, match=re.escape(message)) as raised:
        take_in_checked(lake, str(folder), ValidationConfig(high_below_low="quarantine"))
    assert "\n" not in str(raised.value)


def test_two_bars_that_differ_in_the_last_digit_are_told_apart(
    lake: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    near = write_csv(tmp_path / "bars.csv", {("AA", "2021-01-04"): 10.0})
    with open(near, "a") as stream:
        stream.write("AA,2021-01-04,9.500000000000002,11.0,9.0,10.0,5.0,1000.0\n")
    with pytest.raises(InputError, match=r"got another in .* with open 9\.5 and 9\.500000000000002; "):
        take_in(lake, near)
