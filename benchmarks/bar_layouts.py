"""The same number of bars in other files: one CSV file, or a file for each day."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd

from benchmarks.synthetic_bars import simulate_tables
from components import contract


class Layout(NamedTuple):
    """How bars lie in files.

    Attributes:
      num_days: bars of each ticker.
      chunks: keys of the section `chunks`, as that many days want them.
      write: writes some bars into a folder; called again and again with later ones.
    """

    num_days: int
    chunks: dict[str, str]
    write: Callable[[pathlib.Path, pd.DataFrame], None]


def append_csv(folder: pathlib.Path, bars: pd.DataFrame) -> None:
    """Adds bars to the one file."""
    file = folder / "bars.csv"
    bars.to_csv(file, mode="a", index=False, header=not file.exists())


def write_days(folder: pathlib.Path, bars: pd.DataFrame) -> None:
    """Writes a Parquet file for each day."""
    for name, rows in _split_by_day(bars):
        rows.to_parquet(folder / f"{name}.parquet", index=False)


def write_csv_days(folder: pathlib.Path, bars: pd.DataFrame) -> None:
    """Writes a CSV file for each day."""
    for name, rows in _split_by_day(bars):
        rows.to_csv(folder / f"{name}.csv", index=False)


def _split_by_day(bars: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for day, rows in bars.groupby(contract.DATE):
        yield f"{day:%Y-%m-%d}", rows


_LONG = {"eval_start": "2015-01-01", "test_start": "2017-01-01"}
_SHORT = {"eval_start": "2002-06-03", "test_start": "2003-03-03"}
LAYOUTS = {
    "one CSV file": Layout(5000, _LONG, append_csv),
    "Parquet, a file a day": Layout(1000, _SHORT, write_days),
    "CSV, a file a day": Layout(1000, _SHORT, write_csv_days),
}


def make_layout(title: str, num_bars: int, seed: int, root: pathlib.Path) -> pathlib.Path:
    """Returns the folder of some bars in one of LAYOUTS, made where it is not there."""
    layout = LAYOUTS[title]
    folder = root / f"{title.lower().replace(', ', '-').replace(' ', '-')}-{num_bars}"
    if folder.exists():
        return folder
    unfinished = root / f"{folder.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    by_days = layout.write is not append_csv
    for table in simulate_tables(num_bars // layout.num_days, layout.num_days, seed, by_days):
        layout.write(unfinished, table.to_pandas())
    unfinished.rename(folder)
    return folder
