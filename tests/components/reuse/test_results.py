"""Kept results: whole or not there, and only so many."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time

import pytest

from components.reuse import results
from components.reuse.keys import digest_folder, make_key
from components.reuse.results import KeptResults

STEP = "Step"


def make_part(folder: pathlib.Path, text: str = "one") -> str:
    """A folder with a file at its top and one below, and an empty one."""
    (folder / "below").mkdir(parents=True)
    (folder / "top.txt").write_text(text)
    (folder / "below" / "deep.bin").write_bytes(bytes(range(256)) * 9000)
    return str(folder)


@pytest.fixture
def kept(tmp_path: pathlib.Path) -> KeptResults:
    return KeptResults(str(tmp_path / "results"))


def list_below(folder: pathlib.Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_is_kept_comes_back_to_the_byte_and_replaces_what_is_there(
    kept: KeptResults, tmp_path: pathlib.Path
) -> None:
    parts = {"model": make_part(tmp_path / "model"), "none": str(tmp_path / "nothing")}
    kept.keep(STEP, "k", parts, {"blessed": 1})
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old.txt").write_text("old")
    targets = {"model": str(tmp_path / "there"), "none": str(tmp_path / "new" / "none")}
    assert kept.fetch(STEP, "k", targets) == {"blessed": 1}
    assert digest_folder(targets["model"]) == digest_folder(parts["model"])
    assert list_below(tmp_path / "new") == ["none"]
    assert kept.fetch(STEP, "other", targets) is None
    assert kept.fetch("Other", "k", targets) is None
    assert kept.fetch(STEP, "k", {"model": targets["model"]}) is None


@pytest.mark.parametrize("harm", ["changed", "gone", "{", "{}", "[]", '{"notes": {}, "parts": {"model": 1}}'])
def test_a_result_that_was_harmed_is_taken_away_and_leaves_the_target_alone(
    kept: KeptResults, tmp_path: pathlib.Path, harm: str
) -> None:
    kept.keep(STEP, "k", {"model": make_part(tmp_path / "model")}, {})
    place = tmp_path / "results" / STEP / "k"
    file = place / "files" / "model" / "below" / "deep.bin"
    if harm == "changed":
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    elif harm == "gone":
        file.unlink()
    else:
        (place / "entry.json").write_text(harm)
    target = tmp_path / "out" / "model"
    make_part(target, "before")
    before = digest_folder(str(target))
    assert kept.fetch(STEP, "k", {"model": str(target)}) is None
    assert digest_folder(str(target)) == before
    assert list_below(tmp_path / "out") == ["model", *(f"model/{path}" for path in list_below(target))]
    kept.keep(STEP, "k", {"model": make_part(tmp_path / "again")}, {})
    assert kept.fetch(STEP, "k", {"model": str(target)}) == {}


def test_where_no_copy_can_be_made_the_kept_result_stays(kept: KeptResults, tmp_path: pathlib.Path) -> None:
    kept.keep(STEP, "k", {"model": make_part(tmp_path / "model")}, {})
    (tmp_path / "file").write_text("no folder")
    assert kept.fetch(STEP, "k", {"model": str(tmp_path / "file" / "out")}) is None
    assert kept.fetch(STEP, "k", {"model": str(tmp_path / "out")}) == {}


def test_a_result_that_cannot_be_kept_is_told_and_no_failure(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    part = make_part(tmp_path / "model")
    (tmp_path / "file").write_text("no folder")
    KeptResults(str(tmp_path / "file")).keep(STEP, "k", {"model": part}, {})
    assert "what Step made is not kept for later runs: " in caplog.text
    assert KeptResults(str(tmp_path / "file")).fetch(STEP, "k", {"model": part}) is None


def test_what_a_killed_process_left_goes_after_a_day(kept: KeptResults, tmp_path: pathlib.Path) -> None:
    step = tmp_path / "results" / STEP
    for name in (".old", ".new"):
        make_part(step / name)
    before = time.time() - 90_000
    os.utime(step / ".old", (before, before))
    kept.keep(STEP, "k", {"model": make_part(tmp_path / "model")}, {})
    assert sorted(path.name for path in step.iterdir()) == [".new", "k"]


def test_the_results_last_used_stay(
    kept: KeptResults, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "NUM_KEPT", 2)
    part = {"model": make_part(tmp_path / "model")}
    target = {"model": str(tmp_path / "out")}
    for key in ("a", "b"):
        kept.keep(STEP, key, part, {})
    assert kept.fetch(STEP, "a", target) == {}
    kept.keep("Other", "x", part, {})
    kept.keep(STEP, "c", part, {})
    assert [kept.fetch(STEP, key, target) for key in ("a", "b", "c")] == [{}, None, {}]
    assert kept.fetch("Other", "x", target) == {}


KEEP_FOREVER = """
import sys
from components.reuse.results import KeptResults
kept = KeptResults(sys.argv[1])
print("ready", flush=True)
while True:
    kept.keep("Step", "k", {"model": sys.argv[2]}, {})
"""


def test_a_process_that_is_killed_while_it_keeps_leaves_a_whole_result_or_none(
    kept: KeptResults, tmp_path: pathlib.Path
) -> None:
    part = make_part(tmp_path / "model")
    target = tmp_path / "out"
    for number in range(5):
        command = [sys.executable, "-c", KEEP_FOREVER, str(tmp_path / "results"), part]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            for _ in range(number * 40):
                kept.fetch(STEP, "other", {"model": str(target)})
            process.kill()
        found = kept.fetch(STEP, "k", {"model": str(target)})
        assert found is None or digest_folder(str(target)) == digest_folder(part)


def test_a_key_is_of_values_and_not_of_the_order_of_names(tmp_path: pathlib.Path) -> None:
    assert make_key(a=1, b=[2]) == make_key(b=[2], a=1) != make_key(a=1, b=[3])
    one, other = make_part(tmp_path / "one"), make_part(tmp_path / "other")
    assert digest_folder(one) == digest_folder(other) != digest_folder(str(tmp_path))
    pathlib.Path(other, "top.txt").rename(pathlib.Path(other, "moved.txt"))
    assert digest_folder(one) != digest_folder(other)
