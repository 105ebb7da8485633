"""A lake that is broken or not whole: each is one line, and nothing is written on top of it."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

import pytest

from components.errors import InputError
from components.ingest import sources
from components.ingest.source_config import SourceConfig
from components.lake import lake_source, layout, reading
from components.lake.storage import Storage
from tests.components.lake.lakes import (
    NEW,
    OLD,
    add,
    list_files,
    read_lake,
    take_in,
)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda lake: (lake / "contract.json").write_text("{}"), "must be of a lake, got something else"),
        (lambda lake: (lake / "contract.json").write_text(json.dumps(
            {"format": "marketcast-lake", "version": 2, "num_buckets": 1})), "must be a lake of version 1"),
        (lambda lake: next((lake / "commits").iterdir()).write_text("{"), "must be a commit of a lake"),
        (lambda lake: next((lake / "commits").iterdir()).unlink(), "got a lake without a commit"),
        (lambda lake: next(lake.rglob("*.parquet")).write_bytes(b"PAR1"), "must be a whole file of bars"),
        (lambda lake: next(lake.rglob("*.parquet")).unlink(), "got no such file; put it back"),
    ],
)  # fmt: skip
def test_damage_is_one_line(lake: pathlib.Path, damage: Any, complaint: str) -> None:
    add(lake, {("AA", "2021-01-04"): 1.0}, "2021-01-04")
    damage(lake)
    with pytest.raises(InputError, match=complaint) as raised:
        read_lake(lake)
    assert "\n" not in str(raised.value)


def test_a_lake_that_has_lost_its_contract_is_no_folder_of_files(lake: pathlib.Path) -> None:
    """Its files hold replaced bars, too; and another contract would put tickers into other buckets."""
    add(lake, OLD, "2021-01-04")
    (lake / "contract.json").unlink()
    before = list_files(lake)
    source = SourceConfig(str(lake), "")
    asks = (
        lambda: add(lake, NEW, "2021-01-05"),
        lambda: take_in(lake, "none.csv", is_compaction=True),
        lambda: take_in(lake, "none.csv", readable_from="2021-01-04"),
        lambda: sources.list_files(source),
        lambda: sources.fingerprint(source),
        lambda: read_lake(lake, "2021-01-04"),
    )
    for ask in asks:
        with pytest.raises(InputError, match=r"must hold contract\.json beside its commits, got none"):
            ask()
    assert list_files(lake) == before


def test_a_folder_with_other_commits_is_no_lake(tmp_path: pathlib.Path) -> None:
    for name in ("commits/today.json", "commits/00000000000000000001.json/bars.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert not lake_source.is_lake(str(tmp_path))
    assert not lake_source.is_lake(str(tmp_path / "commits/today.json"))


def test_a_lake_that_has_lost_its_commits_begins_no_new_history(lake: pathlib.Path) -> None:
    """Its bars would be nobody's then, and --forget-before would delete them."""
    add(lake, OLD, "2021-01-04")
    add(lake, NEW, "2021-01-05")
    shutil.rmtree(lake / "commits")
    before = list_files(lake)
    asks = (
        lambda: add(lake, OLD | NEW, "2021-01-05"),
        lambda: take_in(lake, "none.csv", is_compaction=True),
        lambda: read_lake(lake),
    )
    for ask in asks:
        with pytest.raises(InputError, match=r"must hold the commits of its bars, got none beside bars"):
            ask()
    assert list_files(lake) == before


def test_what_a_dead_first_writer_left_is_no_lost_history(lake: pathlib.Path) -> None:
    """Nor what another writer has just written of a second commit."""
    add(lake, OLD, "2021-01-04")
    next((lake / "commits").iterdir()).unlink()
    assert add(lake, OLD, "2021-01-04")
    add(lake, NEW, "2021-01-05")
    storage = Storage(str(lake))
    looks = [{}, storage.list(layout.BARS), storage.list(layout.COMMITS)]
    storage.list = lambda _: looks.pop(0)  # type: ignore[method-assign]
    assert reading.find_newest(storage) == 2 and not looks


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda told: [told], "no object"),
        (lambda _: {"files": []}, "files"),
        (lambda told: told | {"files": []}, "files"),
        (lambda told: told | {"files": {"year=2021/bucket=01": {}}}, "files"),
        (lambda told: told | {"files": {"year=2021/bucket=01": [1]}}, "files"),
        (lambda told: told | {"places": [1]}, "places"),
        (lambda told: told | {"places": told["places"] | {"year=1999/bucket=01": 3}}, "places"),
        (lambda told: told | {"places": told["places"] | {"year=1999/bucket=01": 2}}, "places"),
        (lambda told: told | {"places": dict.fromkeys(told["places"], 1)}, "places"),
        (lambda told: told | {"places": dict.fromkeys(told["places"], "1")}, "places"),
        (lambda told: told | {"places": told["places"] | {"year=1999/bucket=01": 1}}, "year=1999/bucket=01"),
        (lambda told: told | {"known_on": None}, "known_on None"),
        (lambda told: told | {"known_on": "soon"}, "known_on 'soon'"),
        (lambda told: told | {"readable_from": 5}, "readable_from 5"),
        (lambda told: told | {"added": "2"}, "added '2'"),
        (lambda told: told | {"writer": None}, "writer None"),
        (lambda told: told | {"more": 1}, "more"),
        (lambda told: {name: value for name, value in told.items() if name != "kind"}, "kind"),
        (lambda told: change_file(told, first_day=None), "first_day None"),
        (lambda told: change_file(told, last_day="2021"), "last_day '2021'"),
        (lambda told: change_file(told, num_bars="2"), "num_bars '2'"),
        (lambda told: change_file(told, num_bars=True), "num_bars True"),
        (lambda told: change_file(told, fingerprint="00"), "fingerprint '00'"),
        (lambda told: change_file(told, fingerprint=7), "fingerprint 7"),
    ],
)  # fmt: skip
def test_a_commit_that_is_not_right(lake: pathlib.Path, change: Any, complaint: str) -> None:
    add(lake, OLD, "2021-01-04")
    add(lake, NEW, "2021-01-05")
    path = lake / layout.commit_path(2)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    for ask in (lambda: read_lake(lake), lambda: add(lake, NEW, "2021-01-05")):
        with pytest.raises(
            InputError, match=rf"{path} must be a commit of a lake, got .*{complaint}"
        ) as raised:
            ask()
        assert "\n" not in str(raised.value)


def change_file(told: Any, **fields: Any) -> Any:
    """Other fields of one of a commit's files."""
    (partition, [file, *others]), *_ = told["files"].items()
    return told | {"files": told["files"] | {partition: [file | fields, *others]}}


def test_a_copied_commit_is_not_the_newest(lake: pathlib.Path) -> None:
    add(lake, OLD, "2021-01-04")
    add(lake, NEW, "2021-01-05")
    path = lake / layout.commit_path(9)
    shutil.copy(lake / layout.commit_path(1), path)
    for ask in (lambda: read_lake(lake), lambda: add(lake, NEW, "2021-01-05")):
        with pytest.raises(
            InputError, match=f"{path} must be commit 9 of a lake, got commit 1; take it away"
        ):
            ask()


@pytest.mark.parametrize("name", ["", "commits", "bars", "bars/year=2021"])
def test_a_file_where_a_folder_must_be(lake: pathlib.Path, name: str) -> None:
    if name:
        add(lake, {("AA", "2020-12-30"): 1.0}, "2021-01-04")
    folder = lake / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.touch()
    for below in (lake, lake / "deeper") if not name else (lake,):
        with pytest.raises(InputError, match=f"^{folder} must be a folder, got a file; "):
            add(below, NEW, "2021-01-05")
    assert folder.read_bytes() == b""


def test_commits_that_cannot_be_listed_are_not_none(lake: pathlib.Path) -> None:
    """A link in a circle stands for what nobody may read: the superuser may."""
    add(lake, OLD, "2021-01-04")
    shutil.rmtree(lake / "commits")
    (lake / "commits").symlink_to("commits")
    for ask in (lambda: add(lake, NEW, "2021-01-05"), lambda: read_lake(lake)):
        with pytest.raises(
            InputError, match=f"{lake} must be a place that can be read and written, got: .*commi"
        ):
            ask()
