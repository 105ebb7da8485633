"""serving.latest_bars: bars of some tickers out of files."""

from __future__ import annotations

import dataclasses

import pytest

from components import contract
from components.errors import InputError
from components.ingest.bars import ValidationConfig, day_number
from components.ingest.source_config import SourceConfig
from serving.bars import take_latest_bars
from serving.latest_bars import read_latest_bars
from tests.serving.sample_bars import make_frame

NUM_DAYS = 300


@pytest.fixture
def frame():
    return make_frame(3, NUM_DAYS)


@pytest.fixture
def source(tmp_path, frame):
    """Three tickers in two files, cut in the middle of a ticker, rows shuffled."""
    config = SourceConfig(path=str(tmp_path), metadata_path="")
    shuffled = frame.sample(frac=1.0, random_state=2)
    shuffled[:400].to_csv(tmp_path / "a.csv", index=False)
    shuffled[400:].to_csv(tmp_path / "b.csv", index=False)
    return config


def read(source, *tickers, **options):
    return read_latest_bars(source, ValidationConfig(), tickers, **options)


def test_the_latest_bars_are_those_of_the_table(source, frame):
    latest = take_latest_bars(read(source, "S002", "S000"))
    expected = take_latest_bars(frame[frame[contract.TICKER] != "S001"])
    assert latest.tickers == ("S002", "S000")
    assert latest.as_of.tolist() == expected.as_of.tolist()
    for name in contract.BAR_COLUMNS:
        assert latest.columns[name][::-1].tobytes() == expected.columns[name].tobytes()


def test_bars_after_the_day_are_ignored(source, frame):
    day = frame[contract.DATE].iloc[280]
    latest = take_latest_bars(read(source, "S001", last_day=day_number(day)))
    assert str(latest.as_of[0]) == day


def test_an_unknown_ticker_is_told_its_neighbours(source):
    with pytest.raises(InputError, match=r"got 's01'; the nearest there: .*S001"):
        read(source, "s01")
    with pytest.raises(InputError, match=r"got 'XYZ'; the nearest there: S000, S001, S002"):
        read(source, "XYZ")


def test_too_short_a_history_is_refused(source, frame):
    with pytest.raises(InputError, match="must have at least 261 bars of a ticker, got 101 of S001"):
        read(source, "S001", last_day=day_number(frame[contract.DATE].iloc[100]))
    with pytest.raises(InputError, match="until 1999-01-01, got none"):
        read(source, "S001", last_day=day_number("1999-01-01"))


def test_bad_bars_of_the_ticker_are_refused_and_those_of_others_are_not(tmp_path, frame):
    frame.loc[frame.index[frame[contract.TICKER] == "S001"][-1], contract.CLOSE] = -1.0
    frame.to_csv(tmp_path / "bars.csv", index=False)
    source = SourceConfig(path=str(tmp_path), metadata_path="")
    read(source, "S000")
    with pytest.raises(InputError, match=r"bars.csv, line 601, column close: must be positive and finite"):
        read(source, "S001")


def test_columns_may_have_other_names(tmp_path, frame):
    frame.rename(columns={contract.TICKER: "symbol"}).to_csv(tmp_path / "bars.csv", index=False)
    source = SourceConfig(path=str(tmp_path), metadata_path="", columns={contract.TICKER: "symbol"})
    assert list(read(source, "S000")) == ["S000"]
    with pytest.raises(InputError, match="must have the column ticker"):
        read(dataclasses.replace(source, columns={}), "S000")
