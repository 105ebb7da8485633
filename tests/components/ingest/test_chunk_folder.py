"""Chunk folders of the local engine: BarsExampleGen's bytes, whatever the blocks, and all or nothing."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from components import contract
from components.errors import InputError
from components.ingest import chunk_folder, chunk_job, local_engine, row_files, shards, sources, tables, units
from components.ingest.bars import ValidationConfig
from components.ingest.chunk_job import ChunkJob, JobNotes
from components.ingest.chunks import ChunkConfig
from components.ingest.panel import read_panel
from components.ingest.row_blocks import RowBlock
from components.ingest.source_config import SourceConfig
from pipeline.run_ingest import IngestOptions, ingest
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE
from tests.fixtures import bad_bars
from tests.fixtures.simulated_bars import simulate_garch_bars

CHUNKS = ChunkConfig(chunk_days=50, eval_start="2001-10-01", test_start="2002-01-01", num_shards=3)


def _cut(
    folder: pathlib.Path,
    source: SourceConfig,
    chunks: ChunkConfig = CHUNKS,
    validation: ValidationConfig | None = None,
) -> Mapping[str, str]:
    """Path within the folder -> SHA-256."""
    chunk_folder.write_chunk_folder(
        source, validation or ValidationConfig(), chunks, str(folder), local_engine.run
    )
    return _digest(folder)


def _digest(folder: pathlib.Path) -> Mapping[str, str]:
    """Path within the folder -> SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(name="bars", scope="module")
def fixture_bars() -> pd.DataFrame:
    """A year and a half of eight tickers, then some that are quarantined: short, twice, out of range."""
    table = simulate_garch_bars(8, 600, seed=5)
    short = table[table["ticker"] == "S001"].head(100).assign(ticker="SHORT")
    table.loc[[7, 1300, 1301], "close"] = 1e6
    return pd.concat([table, short, table.iloc[[20, 1500, 4000]]], ignore_index=True)


@pytest.fixture(name="whole_folder", scope="module")
def fixture_whole_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(name="whole", scope="module")
def fixture_whole(bars: pd.DataFrame, whole_folder: pathlib.Path) -> Mapping[str, str]:
    """Of one file, read in one block."""
    bars.to_csv(whole_folder / "bars.csv", index=False)
    return _cut(whole_folder / "chunks", SourceConfig(str(whole_folder / "bars.csv"), ""))


def _quarantined(folder: pathlib.Path) -> pd.DataFrame:
    """Which rows, and why."""
    return pd.read_csv(folder / "chunks" / "quarantine.csv")[["ticker", "line", "reason"]]


def _fingerprint(folder: pathlib.Path) -> str:
    report = json.loads((folder / "ingest_report.json").read_text())
    return str(report[contract.FINGERPRINT_PROPERTY])


def _examples(files: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if name.startswith("Split-")}


def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK_ROWS", 700)
    monkeypatch.setattr(units, "UNIT_ROWS", 1000)
    monkeypatch.setattr(units, "UNIT_BYTES", 60_000)


@pytest.mark.tf
def test_the_bytes_are_those_of_bars_example_gen(tmp_path: pathlib.Path) -> None:
    from tests.components.ingest.ingest_run import run_ingest

    chunks = dataclasses.replace(SHIPPED_CHUNKS, num_shards=3)
    files = _cut(tmp_path / "chunks", SHIPPED_SOURCE, chunks)
    written = run_ingest(tmp_path / "beam", chunks=chunks).files()
    assert {name.partition("/")[2]: digest for name, digest in written.items()} == files


def test_all_files_are_there_and_nothing_else(whole: Mapping[str, str]) -> None:
    expected = [shards.shard_path(split, index, 3) for split in contract.SPLITS for index in range(3)]
    assert sorted(whole) == sorted([*expected, "ingest_report.json", "quarantine.csv"])


def test_a_file_read_in_blocks_gives_the_same_bytes(
    whole_folder: pathlib.Path,
    whole: Mapping[str, str],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _small_blocks(monkeypatch)
    files = _cut(tmp_path / "chunks", SourceConfig(str(whole_folder / "bars.csv"), ""))
    assert files == whole
    report = json.loads((tmp_path / "chunks" / "ingest_report.json").read_text())
    assert report["quarantined_tickers"] == {"S000": 2, "S002": 3, "S006": 1, "SHORT": 100}


@pytest.mark.parametrize("row_group_size", [100, 900, 10_000])
def test_row_groups_give_the_same_bytes(
    bars: pd.DataFrame,
    whole_folder: pathlib.Path,
    whole: Mapping[str, str],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    row_group_size: int,
) -> None:
    _small_blocks(monkeypatch)
    bars.to_parquet(tmp_path / "bars.parquet", row_group_size=row_group_size)
    source = SourceConfig(str(tmp_path / "bars.parquet"), "")
    files = _cut(tmp_path / "chunks", source)
    assert _fingerprint(tmp_path / "chunks") == sources.fingerprint(source)
    assert _examples(files) == _examples(whole)
    expected = _quarantined(whole_folder)
    pd.testing.assert_frame_equal(_quarantined(tmp_path), expected.assign(line=expected["line"] - 1))


def test_a_file_a_day_gives_the_same_bytes(
    bars: pd.DataFrame, whole: Mapping[str, str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_blocks(monkeypatch)
    (tmp_path / "days").mkdir()
    order = np.random.default_rng(1).permutation(len(bars))
    for part, rows in enumerate(np.array_split(order, 40)):
        bars.iloc[rows].to_parquet(tmp_path / "days" / f"{part:02d}.parquet")
    source = SourceConfig(str(tmp_path / "days"), "")
    assert _examples(_cut(tmp_path / "chunks", source)) == _examples(whole)
    assert _fingerprint(tmp_path / "chunks") == sources.fingerprint(source)


def test_the_fingerprint_is_of_the_bars_that_were_read(
    whole_folder: pathlib.Path, whole: Mapping[str, str], tmp_path: pathlib.Path
) -> None:
    shutil.copy(whole_folder / "bars.csv", tmp_path)
    source = SourceConfig(str(tmp_path / "*.csv"), "")
    before = sources.fingerprint(source)

    def engine(job: ChunkJob, files: Sequence[str]) -> JobNotes:
        shutil.copy(whole_folder / "bars.csv", tmp_path / "later.csv")
        return local_engine.run(job, files)

    chunk_folder.write_chunk_folder(source, ValidationConfig(), CHUNKS, str(tmp_path / "chunks"), engine)
    assert _fingerprint(tmp_path / "chunks") == before
    assert _examples(_digest(tmp_path / "chunks")) == _examples(whole)


def test_shards_are_chosen_by_size(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in {"a": 100, "b": 101}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    monkeypatch.setattr(shards, "SHARD_BYTES", 100)
    assert shards.choose_num_shards([str(tmp_path / "a")]) == 1
    assert shards.choose_num_shards([str(tmp_path / "a"), str(tmp_path / "b")]) == 3


@pytest.mark.parametrize("measure", [shards.choose_num_shards, units.plan_units])
def test_a_file_that_is_gone_is_named(
    measure: Callable[[Sequence[str]], object], tmp_path: pathlib.Path
) -> None:
    with pytest.raises(InputError, match=r"gone\.parquet must be there, .*; put it back from a copy"):
        measure([str(tmp_path / "gone.parquet")])


@pytest.mark.parametrize(
    "bad", [b for b in bad_bars.BAD_INPUTS if b.refused_by_default], ids=lambda b: b.name
)
def test_a_refusal_leaves_nothing(
    bad: bad_bars.BadInput, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_blocks(monkeypatch)
    source = SourceConfig(str(bad.write(tmp_path)), "")
    with pytest.raises(InputError) as refusal:
        _cut(tmp_path / "out" / "chunks", source)
    assert [fragment for fragment in bad.fragments if fragment not in str(refusal.value)] == []
    assert list((tmp_path / "out").rglob("*")) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "chunks").mkdir()
    (tmp_path / "chunks" / "mine").write_text("")
    with pytest.raises(InputError, match="must name a folder that is not there yet"):
        _cut(tmp_path / "chunks", SHIPPED_SOURCE)
    assert [path.name for path in tmp_path.rglob("*")] == ["chunks", "mine"]


@pytest.mark.parametrize("place", ["s3://bucket/chunks", "file:///chunks"])
def test_a_url_is_no_folder(place: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"--chunks must name a folder of this machine .*, got {place}; "):
        chunk_folder.write_chunk_folder(SHIPPED_SOURCE, ValidationConfig(), CHUNKS, place, local_engine.run)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_leads_to_the_folder(is_there: bool, tmp_path: pathlib.Path) -> None:
    (tmp_path / "chunks").symlink_to(tmp_path / "disk" / "chunks")
    if is_there:
        (tmp_path / "disk" / "chunks").mkdir(parents=True)
    files = _cut(tmp_path / "chunks", SHIPPED_SOURCE, SHIPPED_CHUNKS)
    assert (tmp_path / "chunks").is_symlink()
    assert _digest(tmp_path / "disk") == {f"chunks/{name}": digest for name, digest in files.items()}


def test_a_mount_point_is_refused_before_the_work(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "volume").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path) == str(tmp_path / "volume"))
    with pytest.raises(InputError, match=r"got \S+/volume, where a volume is mounted; name a folder in it"):
        _cut(tmp_path / "volume", SourceConfig("none.csv"))


@pytest.mark.parametrize(("module", "name"), [(row_files, "write_rows"), (os, "replace")])
def test_a_disk_that_is_full_is_told_and_nothing_left(
    module: object, name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, name, fail)
    with pytest.raises(InputError, match=f"can be written, got {tmp_path}/chunks: No space left on device; "):
        _cut(tmp_path / "chunks", SHIPPED_SOURCE, SHIPPED_CHUNKS)
    assert list(tmp_path.iterdir()) == []


def test_files_that_workers_wrote_elsewhere_are_missed(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="that this process and all workers see"):
        chunk_folder.write_chunk_folder(
            SHIPPED_SOURCE, ValidationConfig(), CHUNKS, str(tmp_path / "chunks"), lambda *_: JobNotes([], [])
        )
    assert list(tmp_path.iterdir()) == []


def test_attempts_that_die_or_come_twice_change_nothing(
    whole_folder: pathlib.Path,
    whole: Mapping[str, str],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _small_blocks(monkeypatch)

    def engine(job: ChunkJob, files: Sequence[str]) -> JobNotes:
        local_engine.run(job, files)
        with pytest.MonkeyPatch.context() as dying, pytest.raises(OSError, match="killed"):
            dying.setattr(RowBlock, "to_bytes", _die_later())
            local_engine.read_files(job, files)
        return local_engine.run(job, files)

    source = SourceConfig(str(whole_folder / "bars.csv"), "")
    chunk_folder.write_chunk_folder(source, ValidationConfig(), CHUNKS, str(tmp_path / "chunks"), engine)
    assert _digest(tmp_path / "chunks") == whole


def _die_later() -> Callable[[RowBlock], bytes]:
    """Of a block some rows come out, and then no more."""
    left = iter([b"some", b"more"])

    def to_bytes(_: RowBlock) -> bytes:
        if data := next(left, b""):
            return data
        raise OSError("killed")

    return to_bytes


def test_rows_that_workers_wrote_elsewhere_are_missed(tmp_path: pathlib.Path) -> None:
    def engine(job: ChunkJob, files: Sequence[str]) -> JobNotes:
        units = local_engine.read_files(job, files)
        shutil.rmtree(pathlib.Path(job.folder) / row_files.ROWS_FOLDER)
        return JobNotes(units, local_engine.write_files(job, units))

    with pytest.raises(InputError, match="without 1 of the 1 files that they wrote"):
        chunk_folder.write_chunk_folder(
            SHIPPED_SOURCE, ValidationConfig(), CHUNKS, str(tmp_path / "chunks"), engine
        )
    assert list(tmp_path.iterdir()) == []


def test_relative_files_are_found_from_any_folder(
    whole_folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(whole_folder)
    source = SourceConfig("bars.csv", "")
    expected = _cut(tmp_path / "here", source)
    job, files = chunk_job.plan_job(source, ValidationConfig(), CHUNKS, str(tmp_path / "job"))
    planned = units.plan_units(files)
    monkeypatch.chdir(tmp_path)
    notes = [chunk_job.read_rows(job, unit) for unit in planned]
    for shard, slices in enumerate(chunk_job.gather_slices(job, notes)):
        chunk_job.write_shard(job, shard, slices)
    assert _examples(_digest(tmp_path / "job")) == _examples(expected)
    assert {finding.file for unit in notes for finding in unit.findings} == {"bars.csv"}


def test_a_lake_has_our_column_names_whatever_its_files_had(
    bars: pd.DataFrame, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"ticker": "Symbol", "close": "Last", "adj_close": "Adj"}
    bars.drop_duplicates(["ticker", "date"]).rename(columns=names).to_csv(tmp_path / "bars.csv", index=False)
    given = SourceConfig(str(tmp_path / "bars.csv"), "", names)
    policies = ValidationConfig(outside_range="quarantine")
    ingest(IngestOptions(str(tmp_path / "lake"), given, policies))
    monkeypatch.chdir(tmp_path)
    lake = dataclasses.replace(given, path="lake")
    plain = SourceConfig("lake", "")
    assert sources.fingerprint(lake) == sources.fingerprint(plain)
    assert _cut(tmp_path / "same", lake) == _cut(tmp_path / "plain", plain)
    assert set(read_panel(lake, ValidationConfig()).bars) == set(read_panel(plain, ValidationConfig()).bars)
    assert read_panel(
        dataclasses.replace(lake, columns={"adj_close": ""}), ValidationConfig(unadjusted_split="quarantine")
    )
    job, files = chunk_job.plan_job(
        SourceConfig("lake", "", names), ValidationConfig(), CHUNKS, str(tmp_path / "job")
    )
    (tmp_path / "elsewhere").mkdir()
    planned = units.plan_units(files)
    monkeypatch.chdir(tmp_path / "elsewhere")
    findings = [finding for unit in planned for finding in chunk_job.read_rows(job, unit).findings]
    assert findings == []


def test_a_text_among_the_numbers_of_a_later_block_changes_nothing_else(
    bars: pd.DataFrame, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = bars.to_csv(index=False).splitlines()
    lines[2000] = lines[2000].rsplit(",", 1)[0] + ",many"
    lines[2500] = ""
    (tmp_path / "bars.csv").write_text("\n".join(lines))
    source, validation = (
        SourceConfig(str(tmp_path / "bars.csv"), ""),
        ValidationConfig(wrong_type="quarantine"),
    )
    whole = _cut(tmp_path / "whole", source, validation=validation)
    _small_blocks(monkeypatch)
    assert _cut(tmp_path / "blocks", source, validation=validation) == whole
    reasons = pd.read_csv(tmp_path / "blocks" / "quarantine.csv").set_index("line")["reason"]
    assert reasons[2001] == "wrong_type: volume must be a number"
