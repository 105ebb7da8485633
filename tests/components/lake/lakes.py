"""Lakes and the bars that go into them, small."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from components import contract
from components.ingest.bars import ValidationConfig, day_number, iso_date
from components.ingest.source_config import SourceConfig
from components.lake import bar_rows, publishing, reading, revising, withdrawing
from components.lake.bar_rows import BarRows
from components.lake.storage import Storage
from pipeline.run_ingest import IngestOptions, ingest

HEADER = ",".join((contract.TICKER, contract.DATE, *contract.BAR_COLUMNS))
Bars = Mapping[tuple[str, str], float]
"""Ticker and day -> close; the other columns follow from it."""


def make_values(close: float) -> list[float]:
    """The columns of a bar."""
    return [close - 0.5, close + 1.0, close - 1.0, close, close / 2, 1000.0]


def make_rows(bars: Bars) -> BarRows:
    """Bars as the lake has them."""
    keys = sorted(bars)
    tickers = sorted({ticker for ticker, _ in keys})
    values = np.array([make_values(bars[key]) for key in keys]).reshape(-1, len(contract.BAR_COLUMNS))
    return BarRows(
        np.array(tickers, object),
        np.array([tickers.index(ticker) for ticker, _ in keys], np.int64),
        np.array([day_number(day) for _, day in keys], np.int64),
        values,
    )


def make_bars(
    tickers: Iterable[str], days: Iterable[str], close: float = 10.0
) -> dict[tuple[str, str], float]:
    """A bar of each ticker on each day."""
    days = list(days)
    return {(ticker, day): close + number for ticker in tickers for number, day in enumerate(days)}


OLD = make_bars(["AA", "BB"], ["2020-12-30", "2020-12-31", "2021-01-04"])
NEW = make_bars(["AA", "CC"], ["2021-01-05"], 20.0)
"""Bars of a later day, of a ticker that is there and of a new one."""


def list_days(first: str, num_days: int) -> list[str]:
    """Days of the calendar in a row."""
    return [iso_date(day_number(first) + number) for number in range(num_days)]


def write_csv(path: pathlib.Path, bars: Bars) -> str:
    """A file of these bars."""
    lines = [f"{ticker},{day},{','.join(map(repr, make_values(bars[ticker, day])))}" for ticker, day in bars]
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return str(path)


def take_in(lake: pathlib.Path | str, path: str, **options: Any) -> dict[str, Any]:
    """What `marketcast ingest --json` tells."""
    return ingest(IngestOptions(str(lake), SourceConfig(path, ""), ValidationConfig(), **options))


def add(lake: pathlib.Path | str, bars: Bars, known_on: str, is_correction: bool = False) -> bool:
    """Adds bars; whether a commit was made of it."""
    storage = Storage(str(lake))
    arrival = revising.Arrival(make_rows(bars), known_on, is_correction)
    return publishing.publish(storage, lambda it: revising.draft_arrival(storage, it, arrival))[1]


def withdraw(lake: pathlib.Path | str, keys: Iterable[tuple[str, str]], known_on: str) -> int:
    """Takes bars out; how many went."""
    storage = Storage(str(lake))
    withdrawal = withdrawing.Withdrawal(make_rows(dict.fromkeys(keys, 1.0)), known_on)
    after, is_new = publishing.publish(
        storage, lambda it: withdrawing.draft_withdrawal(storage, it, withdrawal)
    )
    return after.commit.changed if is_new and after.commit else 0


def read_lake(lake: pathlib.Path | str, known_on: str = "") -> dict[tuple[str, str], float]:
    """The bars as known on a day; each file is read, and each must hold what its commit says."""
    storage = Storage(str(lake))
    snapshot = reading.read_snapshot(storage, known_on)
    rows = reading.read_files(storage, snapshot.paths)
    assert len(rows) == snapshot.num_bars
    assert rows.fingerprint() == snapshot.fingerprint
    assert bar_rows.to_hex(rows.fingerprint()) == bar_rows.to_hex(snapshot.fingerprint)
    close = rows.values[:, contract.BAR_COLUMNS.index(contract.CLOSE)]
    found = {
        (rows.tickers[code], iso_date(day)): float(own)
        for code, day, own in zip(rows.codes, rows.days, close, strict=True)
    }
    assert len(found) == len(rows), "the rows of a snapshot's files are disjoint"
    return found


def list_files(lake: pathlib.Path) -> set[str]:
    """Paths of a lake's files, from there."""
    return {path.relative_to(lake).as_posix() for path in lake.rglob("*") if path.is_file()}
