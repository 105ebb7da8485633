"""serving.universe: the latest bars of all tickers, of files in any order."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from components import contract, progress
from components.errors import InputError
from components.infer.universe_report import describe_skipped
from components.ingest.bars import ValidationConfig, day_number
from components.ingest.findings import QUARANTINE
from components.ingest.source_config import SourceConfig
from serving.bars import take_latest_bars
from serving.latest_bars import read_latest_bars
from serving.universe import SPARE_BARS, read_universe
from tests.serving.sample_bars import make_frame

NUM_DAYS = 4 * SPARE_BARS + 100
VALIDATION = ValidationConfig()
ALL = ("S000", "S001", "S002")


@pytest.fixture
def frame():
    return make_frame(len(ALL), NUM_DAYS)


@pytest.fixture
def write(tmp_path):
    """Writes tables as files of one source."""

    def write_parts(*parts):
        for number, part in enumerate(parts):
            part.to_csv(tmp_path / f"{number}.csv", index=False)
        return SourceConfig(path=str(tmp_path), metadata_path="")

    return write_parts


def by_date(frame):
    return frame.sort_values([contract.DATE, contract.TICKER])


@pytest.mark.parametrize(
    "split",
    [
        lambda frame: [frame],
        lambda frame: [frame.sample(frac=1.0, random_state=1)],
        lambda frame: np.array_split(by_date(frame), 9),
        lambda frame: np.array_split(by_date(frame), 9)[::-1],
        lambda frame: [part for _, part in frame.groupby(contract.TICKER)],
    ],
    ids=["one file", "shuffled", "by date", "newest first", "by ticker"],
)
def test_the_bars_are_those_that_are_read_ticker_by_ticker(split, frame, write):
    source = write(*split(frame))
    latest = take_latest_bars(read_universe(source, VALIDATION).bars)
    expected = take_latest_bars(read_latest_bars(source, VALIDATION, ALL))
    assert latest.tickers == expected.tickers
    assert latest.as_of.tolist() == expected.as_of.tolist()
    for name in contract.BAR_COLUMNS:
        assert latest.columns[name].tobytes() == expected.columns[name].tobytes()


def test_later_bars_are_ignored(frame, write):
    day = sorted(frame[contract.DATE].unique())[400]
    universe = read_universe(write(frame), VALIDATION, day_number(day))
    assert {str(columns[contract.DATE][-1]) for columns in universe.bars.values()} == {day}


def test_who_has_too_few_bars_is_skipped_and_told(frame, write):
    days = sorted(frame[contract.DATE].unique())
    short = (frame[contract.TICKER] == "S001") & (frame[contract.DATE] < days[NUM_DAYS - 200])
    late = (frame[contract.TICKER] == "S002") & (frame[contract.DATE] <= days[NUM_DAYS - 50])
    universe = read_universe(write(frame[~short & ~late]), VALIDATION, day_number(days[NUM_DAYS - 60]))
    assert list(universe.bars) == ["S000"]
    assert "must have at least 261 bars of a ticker, got 141 of S001" in universe.skipped["S001"]
    assert universe.skipped["S002"] == f"no sound bars until {days[NUM_DAYS - 60]}"
    assert describe_skipped(universe.skipped).startswith("2 skipped: S001 (short_history: ")


def test_a_policy_decides_whether_a_bad_ticker_ends_it_or_is_skipped(frame, write):
    newest = frame[contract.DATE] >= sorted(frame[contract.DATE].unique())[NUM_DAYS - 100]
    split = newest & (frame[contract.TICKER] == "S001")
    frame.loc[split, list(contract.PRICE_COLUMNS)] /= 2.0
    frame.loc[split, contract.VOLUME] *= 2.0
    source = write(frame)
    with pytest.raises(InputError, match=r"column adj_close: must be adjusted for splits.*S001"):
        read_universe(source, VALIDATION)
    lenient = dataclasses.replace(VALIDATION, unadjusted_split=QUARANTINE)
    universe = read_universe(source, lenient)
    assert list(universe.bars) == ["S000", "S002"]
    assert universe.skipped["S001"].startswith("unadjusted_split: ")


def test_nobody_left_is_refused(frame, write):
    with pytest.raises(InputError, match=r"must leave at least one ticker to forecast, got 3 skipped: S000"):
        read_universe(write(frame), VALIDATION, day_number("1999-01-01"))


def test_a_bad_row_is_refused_with_its_place(frame, write):
    frame.loc[frame.index[-1], contract.CLOSE] = -1.0
    with pytest.raises(InputError, match=rf"0.csv, line {len(frame) + 1}, column close: must be positive"):
        read_universe(write(frame), VALIDATION)


def test_progress_is_told(frame, write):
    told = []
    progress.set_listener(lambda *what: told.append(what))
    try:
        read_universe(write(*np.array_split(frame, 2)), VALIDATION)
    finally:
        progress.set_listener(None)
    assert ("parts read", 2, 2) in told
    assert told[-1] == ("tickers checked", 3, 3)
