"""A unit of many files: rows and findings are those of each file alone."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest

from components.ingest import small_files, tables, unit_rows, units
from components.ingest.bars import ValidationConfig
from components.ingest.findings import Finding
from components.ingest.row_blocks import RowBlock
from components.ingest.source_config import SourceConfig
from tests.fixtures.simulated_bars import simulate_garch_bars

NUM_FILES = 12
SOURCE = SourceConfig("bars", "")
LAST_DAY = 11_600


@pytest.fixture(name="days")
def fixture_days() -> list[pd.DataFrame]:
    """Some days each of five tickers; most have a price below zero and a text for a day."""
    table = simulate_garch_bars(5, 480, seed=2).sort_values(["date", "ticker"], ignore_index=True)
    days = [rows.reset_index(drop=True) for rows in np.array_split(table, NUM_FILES)]
    for rows in days[:8]:
        rows.loc[3, "close"] = -1.0
        rows.loc[5, "date"] = "never"
    return days


def _write(rows: pd.DataFrame, path: pathlib.Path) -> str:
    if path.suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path, index=False)
    return str(path)


def _read(unit: units.Unit, source: SourceConfig = SOURCE) -> list[RowBlock | Finding]:
    return list(unit_rows.read_unit(unit, source, ValidationConfig(), LAST_DAY))


def _unit(files: Iterable[str]) -> units.Unit:
    return tuple(units.FilePart(file, file) for file in files)


def _contents(read: Iterable[RowBlock | Finding]) -> tuple[list[tuple[object, ...]], set[Finding]]:
    """Each row with all that is known of it, and the findings."""
    rows: list[tuple[object, ...]] = []
    findings = set()
    for found in read:
        if isinstance(found, Finding):
            findings.add(found)
            continue
        tickers = np.array(found.tickers)[found.ticker_index]
        files = np.array(found.files)[found.file_index]
        rows += zip(
            tickers,
            files,
            found.lines,
            found.dates,
            map(bytes, np.ascontiguousarray(found.values)),
            strict=True,
        )
    return sorted(map(tuple, rows)), findings


def _check_as_each_alone(files: list[str], source: SourceConfig = SOURCE) -> set[Finding]:
    rows, findings = _contents(_read(_unit(files), source))
    alone = [found for file in files for found in _read(_unit([file]), source)]
    assert (rows, findings) == _contents(alone)
    assert len({row[:3] for row in rows}) == len(rows) > 0
    return findings


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_small_files_are_read_as_each_alone(
    days: list[pd.DataFrame], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(tables, "BLOCK_ROWS", 450)
    files = [_write(rows, tmp_path / f"{index:02d}{suffix}") for index, rows in enumerate(days)]
    findings = _check_as_each_alone(files)
    assert sorted((found.check, found.lines) for found in findings) == sorted(
        [("bad_date", (5 + tables.first_line(suffix),)), ("bad_price", (3 + tables.first_line(suffix),))] * 8
    )


def test_alike_files_are_checked_together(
    days: list[pd.DataFrame], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [_write(rows, tmp_path / f"{index:02d}.parquet") for index, rows in enumerate(days)]
    lengths = []
    join = small_files.join
    monkeypatch.setattr(
        small_files, "join", lambda small, source: lengths.append(len(small)) or join(small, source)
    )
    _read(_unit(files))
    monkeypatch.setattr(tables, "BLOCK_ROWS", 450)
    _read(_unit(files))
    assert lengths == [NUM_FILES, 2, 2, 2, 2, 2, 2]


def test_files_that_differ_are_read_as_each_alone(days: list[pd.DataFrame], tmp_path: pathlib.Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "ragged.csv").write_text(days[0].to_csv(index=False) + "A,B,1,1,1,1,1,1,1\n")
    numbers = days[9].assign(volume=days[9]["volume"].astype("int64"))
    numbers.loc[9, "volume"] = -(10**15)
    some = days[2].assign(volume=numbers["volume"].astype("Int64"))
    some.loc[7, "volume"] = pd.NA
    files = [
        _write(days[0], tmp_path / "a.csv"),
        _write(days[1].assign(ticker=' "A"'), tmp_path / "b.csv"),
        _write(days[2].drop(columns="adj_close"), tmp_path / "c.csv"),
        str(tmp_path / "broken.parquet"),
        _write(days[4][reversed(days[4].columns)], tmp_path / "d.csv"),
        _write(days[4].drop(columns="volume"), tmp_path / "e.csv"),
        _write(days[4].drop(columns="volume"), tmp_path / "f.csv"),
        str(tmp_path / "empty.csv"),
        _write(days[0].assign(note="x"), tmp_path / "g.parquet"),
        _write(days[10].assign(date=pd.to_datetime(days[10]["date"])), tmp_path / "h.parquet"),
        _write(numbers, tmp_path / "i.parquet"),
        _write(some, tmp_path / "j.parquet"),
        _write(days[5].head(0), tmp_path / "k.parquet"),
        str(tmp_path / "ragged.csv"),
        _write(days[8].astype({"ticker": "category"}), tmp_path / "l.parquet"),
        _write(
            days[7].assign(ticker=days[7]["ticker"].str.lower().astype("category")), tmp_path / "m.parquet"
        ),
    ]
    findings = _check_as_each_alone(files)
    unreadable = {pathlib.Path(found.file).name for found in findings if found.check == "unreadable"}
    assert unreadable == {"broken.parquet", "empty.csv", "ragged.csv", "e.csv", "f.csv", "k.parquet"}
    assert "adj_close" in min(
        found.messages[0]
        for found in _check_as_each_alone(
            files[:1] + files[2:3], SourceConfig("bars", "", actions_path="actions")
        )
        if found.check == "unreadable"
    )


def test_of_a_file_that_breaks_off_nothing_else_is_told(
    days: list[pd.DataFrame], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BLOCK_ROWS", 50)
    good = _write(days[1], tmp_path / "good.csv")
    lines = days[0].to_csv(index=False).splitlines()
    lines[130] += ",1"
    (tmp_path / "ragged.csv").write_text("\n".join(lines))
    _, findings = _contents(_read(_unit([good, str(tmp_path / "ragged.csv")])))
    assert sorted((pathlib.Path(found.file).name, found.check) for found in findings) == [
        ("good.csv", "bad_date"),
        ("good.csv", "bad_price"),
        ("ragged.csv", "unreadable"),
    ]
