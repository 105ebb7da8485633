"""Whole sources in, clean bars out: each bad input of tests/fixtures/bad_bars.py, by both policies."""

from __future__ import annotations

import pathlib

import numpy as np
import pandas as pd
import pytest

from components import contract
from components.errors import InputError
from components.ingest.bars import TickerBars, ValidationConfig, day_number
from components.ingest.panel import Panel, read_panel
from components.ingest.source_config import SourceConfig
from tests.fixtures.bad_bars import BAD_INPUTS, NUM_DAYS, BadInput, good_bars, write_csv

BY_POLICY = [bad for bad in BAD_INPUTS if bad.check]


def _read(path: pathlib.Path, **policies: str) -> Panel:
    return read_panel(SourceConfig(str(path), ""), ValidationConfig(**policies))


def _assert_equal(first: Panel, second: Panel) -> None:
    assert list(first.bars) == list(second.bars)
    for ticker, bars in first.bars.items():
        for name in ("dates", *contract.BAR_COLUMNS):
            np.testing.assert_array_equal(getattr(bars, name), getattr(second.bars[ticker], name))


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_refusal_names_what_is_bad(bad: BadInput, tmp_path: pathlib.Path) -> None:
    path = bad.write(tmp_path)
    with pytest.raises(InputError) as refusal:
        _read(path, **({bad.check: "refuse"} if bad.check else {}))
    message = str(refusal.value)
    assert [fragment for fragment in bad.fragments if fragment not in message] == []
    assert "must" in message and "got" in message and ";" in message


@pytest.mark.parametrize("bad", BY_POLICY, ids=lambda bad: bad.name)
def test_quarantine_sets_aside_only_what_is_bad(bad: BadInput, tmp_path: pathlib.Path) -> None:
    panel = _read(bad.write(tmp_path), **{bad.check: "quarantine"})
    assert sum(len(finding.lines) for finding in panel.findings) == bad.num_quarantined
    assert {finding.check for finding in panel.findings} == {bad.check}
    good = sum(len(bars) for bars in panel.bars.values())
    read = len(pd.read_csv(tmp_path / "bars.csv"))
    assert good == read - bad.num_quarantined


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_default_policies(bad: BadInput, tmp_path: pathlib.Path) -> None:
    path = bad.write(tmp_path)
    if bad.refused_by_default:
        with pytest.raises(InputError):
            _read(path)
    else:
        assert _read(path).findings


def test_every_policy_has_a_bad_input() -> None:
    fields = ValidationConfig.__dataclass_fields__.values()
    policies = {field.name for field in fields if field.default in ("refuse", "quarantine")}
    assert {bad.check for bad in BY_POLICY} == policies - {
        "no_session"
    }  # Needs a calendar: test_reference.py


def test_unsorted_rows_are_sorted(tmp_path: pathlib.Path) -> None:
    table = good_bars()
    (tmp_path / "shuffled").mkdir()
    sound = _read(write_csv(tmp_path, table))
    shuffled = _read(write_csv(tmp_path / "shuffled", table.sample(frac=1.0, random_state=3)))
    assert sound.findings == shuffled.findings == ()
    assert [len(bars) for bars in sound.bars.values()] == [NUM_DAYS] * 3
    _assert_equal(sound, shuffled)


def test_a_folder_of_parts_equals_one_file(tmp_path: pathlib.Path) -> None:
    table = good_bars()
    whole = _read(write_csv(tmp_path, table))
    parts = tmp_path / "parts"
    parts.mkdir()
    table[::2].to_csv(parts / "a.csv", index=False)
    numbers = table[1::2].astype(dict.fromkeys(contract.BAR_COLUMNS, float))
    numbers.assign(date=pd.to_datetime(numbers["date"])).to_parquet(parts / "b.parquet")
    _assert_equal(whole, _read(parts))


def test_bad_files_are_told_together(tmp_path: pathlib.Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("ticker,date\n")
    write_csv(tmp_path, good_bars().assign(open="x"))
    with pytest.raises(InputError) as refusal:
        _read(tmp_path)
    message = str(refusal.value)
    assert "1,802 violations; the first 5:" in message
    assert all(part in message for part in ("a.csv", "b.csv", "bars.csv, line 2", "bars.csv, line 4"))
    assert "line 5" not in message


def test_sectors_join_by_ticker(tmp_path: pathlib.Path) -> None:
    (tmp_path / "m.csv").write_text("ticker,sector\nS001,Energy\n")
    source = SourceConfig(str(write_csv(tmp_path, good_bars())), str(tmp_path / "m.csv"))
    panel = read_panel(source, ValidationConfig())
    sectors = {ticker: bars.sector for ticker, bars in panel.bars.items()}
    assert sectors == {"S000": "unknown", "S001": "Energy", "S002": "unknown"}


def test_as_of_ends_the_history(tmp_path: pathlib.Path) -> None:
    source = SourceConfig(str(write_csv(tmp_path, good_bars())), "")
    last_day = day_number("2001-12-31")
    panel = read_panel(source, ValidationConfig(), last_day)
    bars: TickerBars = panel.bars["S000"]
    assert bars.dates[-1] == last_day
    assert len(bars) < NUM_DAYS
