"""What goes into a lake and what is refused, writers that come at once, and what upkeep leaves."""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import time
from typing import Any

import pytest

from components.errors import ConfigError, InputError
from components.lake import layout, publishing, reading, revising, vacuuming
from components.lake.publishing import Draft
from components.lake.storage import Storage
from pipeline.run_ingest import describe
from tests.components.lake.lakes import (
    NEW,
    OLD,
    add,
    list_days,
    list_files,
    make_bars,
    make_rows,
    read_lake,
    take_in,
    write_csv,
)


def test_a_day_is_appended_without_touching_what_is_there(lake: pathlib.Path, tmp_path: pathlib.Path) -> None:
    first = take_in(lake, write_csv(tmp_path / "old.csv", OLD), known_on="2021-01-04")
    before = {name: (lake / name).read_bytes() for name in list_files(lake)}
    told = take_in(lake, write_csv(tmp_path / "new.csv", NEW), known_on="2021-01-05")
    assert (first["commit"], first["added"]) == (1, len(OLD))
    assert (told["commit"], told["kind"], told["added"], told["num_bars"]) == (2, "append", 2, len(OLD) + 2)
    assert {name: (lake / name).read_bytes() for name in before} == before
    assert len(list_files(lake)) == len(before) + 2 + 1, "a file for each of two buckets, and the commit"
    assert read_lake(lake) == OLD | NEW
    assert read_lake(lake, "2021-01-04") == OLD
    assert describe(told) == (
        f"{lake}: commit 2 (append), known on 2021-01-05: 2 added; 8 bars in {told['num_files']} files"
    )


def test_the_same_again_is_nothing(lake: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = write_csv(tmp_path / "old.csv", OLD)
    take_in(lake, path, known_on="2021-01-04")
    before = list_files(lake)
    for options in ({}, {"known_on": "2021-01-09"}, {"is_correction": True}):
        told = take_in(lake, path, **options)
        assert (told["commit"], told["unchanged"], told["added"]) == (None, len(OLD), 0)
    assert list_files(lake) == before
    add(lake, NEW, "2021-01-09")
    assert take_in(lake, path, known_on="2021-01-04")["commit"] is None, "even after a later commit"


def test_a_late_bar_of_a_past_day_and_a_ticker_that_stops(lake: pathlib.Path) -> None:
    add(lake, OLD, "2021-01-04")
    for number, day in enumerate(list_days("2021-01-05", 3)):
        add(lake, {("AA", day): 30.0 + number}, day)
    add(lake, {("AA", "2020-12-29"): 9.0}, "2021-01-08")
    bars = read_lake(lake)
    assert bars[("AA", "2020-12-29")] == 9.0
    assert {key: value for key, value in bars.items() if key[0] == "BB"} == {
        key: value for key, value in OLD.items() if key[0] == "BB"
    }, "BB was delisted and stays"


def test_a_correction_rewrites_the_touched_partition_only(lake: pathlib.Path) -> None:
    add(lake, OLD, "2021-01-04")
    add(lake, NEW, "2021-01-05")
    before = list_files(lake)
    assert add(lake, {("AA", "2020-12-30"): 99.0}, "2021-01-06", is_correction=True)
    assert len(list_files(lake) - before) == 2, "one file of bars and the commit"
    assert read_lake(lake) == OLD | NEW | {("AA", "2020-12-30"): 99.0}
    assert read_lake(lake, "2021-01-05") == OLD | NEW
    assert read_lake(lake, "2021-01-04") == OLD


def test_what_is_refused_leaves_nothing(lake: pathlib.Path, tmp_path: pathlib.Path) -> None:
    late = write_csv(tmp_path / "late.csv", {("AA", "2021-01-05"): 5.0})
    with pytest.raises(InputError, match="must be of a day until it was known, got AA 2021-01-05 known on"):
        take_in(lake, late, known_on="2021-01-04")
    assert not lake.exists()
    add(lake, OLD, "2021-01-04")
    before = list_files(lake)
    other = write_csv(tmp_path / "other.csv", {key: value + 1 for key, value in OLD.items()} | NEW)
    with pytest.raises(
        InputError, match=r"got BB 2020-12-30 with open .* \(and 5 more\); .*--correct"
    ) as one:
        take_in(lake, other, known_on="2021-01-05")
    assert "\n" not in str(one.value)
    near = write_csv(tmp_path / "near.csv", {("AA", "2020-12-30"): 10.000000000000002})
    with pytest.raises(InputError, match=r"got AA 2020-12-30 with open 9\.500000000000002 where 9\.5 is"):
        take_in(lake, near, known_on="2021-01-05")
    past = write_csv(tmp_path / "past.csv", {("DD", "2020-12-30"): 5.0})
    with pytest.raises(InputError, match="--known-on must be 2021-01-04 or later"):
        take_in(lake, past, known_on="2021-01-03")
    with pytest.raises(InputError, match="--forget-before must leave"):
        take_in(lake, late, readable_from="2021-01-05")
    assert list_files(lake) == before


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"known_on": "2021-1-4"}, "--known-on must be a day as YYYY-MM-DD"),
        ({"known_on": "2999-01-01"}, "--known-on must be a day that has come"),
        ({"readable_from": "x"}, "--forget-before must be a day as YYYY-MM-DD"),
    ],
)
def test_wrong_days(lake: pathlib.Path, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        take_in(lake, "bars.csv", **options)


def test_writers_at_once_all_get_in(lake: pathlib.Path) -> None:
    add(lake, OLD, "2021-01-04")
    parts = [make_bars([f"T{number}"], list_days("2021-01-04", 2)) for number in range(12)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert all(pool.map(lambda part: add(lake, part, "2021-01-05"), parts))
    assert read_lake(lake) == {**OLD, **{key: value for part in parts for key, value in part.items()}}
    snapshot = reading.read_snapshot(Storage(str(lake)))
    assert snapshot.commit and snapshot.commit.number == 13
    assert len(list((lake / "bars").rglob("*.parquet"))) == len(snapshot.paths), "losers leave no files"


def test_two_writers_of_the_first_commit(lake: pathlib.Path) -> None:
    """The second comes between the first one's look and its commit."""
    storage = Storage(str(lake))
    calls = []

    def make_draft(before: Any) -> Draft | None:
        calls.append(before.commit)
        if len(calls) == 1:
            add(lake, OLD, "2021-01-04")
        return revising.draft_arrival(storage, before, revising.Arrival(make_rows(NEW), "2021-01-05", False))

    after, is_new = publishing.publish(storage, make_draft)
    assert is_new and after.commit and after.commit.number == 2
    assert calls[0] is None and calls[1].number == 1
    assert read_lake(lake) == OLD | NEW


def test_a_writer_knows_its_own_commit_when_the_answer_was_lost(lake: pathlib.Path) -> None:
    storage = Storage(str(lake))
    create = storage.create

    def create_twice(path: str, content: bytes) -> None:
        create(path, content)
        if path.startswith(layout.COMMITS):
            create(path, content)

    storage.create = create_twice  # type: ignore[method-assign]
    arrival = revising.Arrival(make_rows(OLD), "2021-01-04", False)
    assert publishing.publish(storage, lambda it: revising.draft_arrival(storage, it, arrival))[1]
    assert read_lake(lake) == OLD


def test_compaction(lake: pathlib.Path) -> None:
    days = list_days("2021-01-04", 6)
    for day in days:
        add(lake, make_bars(["AA", "BB"], [day], float(day[-1]) + 1), day)
    before = read_lake(lake)
    told = compact(lake)
    assert (told["commit"], told["kind"], told["num_files"]) == (7, "compact", 2)
    assert read_lake(lake) == before
    for number, day in enumerate(days[:-1], 1):
        assert len(read_lake(lake, day)) == 2 * number
    assert compact(lake)["commit"] is None


def compact(lake: pathlib.Path) -> dict[str, Any]:
    return take_in(lake, "none.csv", is_compaction=True)


def test_many_days_make_few_files(lake: pathlib.Path) -> None:
    days = list_days("2021-01-01", 2 * revising.MAX_FILES + 3)
    add(lake, make_bars(["AA"], list_days("2021-06-01", 100)), "2021-10-01")
    [largest] = (lake / "bars").rglob("*.parquet")
    known = [add(lake, {("AA", day): 5.0 + number}, "2021-10-02") for number, day in enumerate(days)]
    assert all(known)
    paths = reading.read_snapshot(Storage(str(lake))).paths
    assert len(paths) < revising.MAX_FILES and str(largest.relative_to(lake)) in paths
    assert read_lake(lake)[("AA", days[-1])] == 5.0 + len(days) - 1
    assert len(read_lake(lake)) == 100 + len(days)


def test_compaction_finds_a_file_with_other_bars(lake: pathlib.Path) -> None:
    add(lake, {("AA", "2021-01-04"): 1.0}, "2021-01-04")
    add(lake, {("AA", "2021-01-05"): 1.0}, "2021-01-05")
    [first, second] = sorted((lake / "bars").rglob("*.parquet"))
    first.write_bytes(second.read_bytes())
    with pytest.raises(InputError, match="must hold the bars with fingerprint"):
        compact(lake)


def test_forgetting(lake: pathlib.Path) -> None:
    add(lake, OLD, "2021-01-04")
    add(lake, {("AA", "2020-12-30"): 77.0}, "2021-01-05", is_correction=True)
    add(lake, NEW, "2021-01-06")
    left, stale = (
        lake / "bars" / "year=2020" / "bucket=00" / name for name in ("new.parquet", "old.parquet")
    )
    left.parent.mkdir(parents=True, exist_ok=True)
    for path in (left, stale):
        path.write_bytes(b"of a writer that died")
    long_ago = time.time() - 3600 * (vacuuming.WRITER_HOURS + 1)
    os.utime(stale, (long_ago, long_ago))
    second = read_lake(lake, "2021-01-05")
    told = take_in(lake, "none.csv", readable_from="2021-01-05")
    assert (told["kind"], told["deleted"]) == ("vacuum", 2), "the replaced file and the stale one"
    assert left.exists() and not stale.exists()
    assert read_lake(lake, "2021-01-05") == second
    assert read_lake(lake) == second | NEW
    with pytest.raises(InputError, match=r"source\.known_on must be 2021-01-05 or later"):
        read_lake(lake, "2021-01-04")
    again = take_in(lake, "none.csv", readable_from="2021-01-05")
    assert (again["commit"], again["deleted"]) == (None, 0)
    assert compact(lake)["num_bars"] == len(second) + len(NEW)
    with pytest.raises(InputError, match="2021-01-05 or later"):
        read_lake(lake, "2021-01-04")
