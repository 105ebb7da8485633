"""Universes of any size: bars of a GARCH(1,1) with Student's t, seeded, as Parquet files.

python -m benchmarks.synthetic_bars DIR --tickers 4000 --days 5000              files of whole tickers
python -m benchmarks.synthetic_bars DIR --tickers 4000 --days 5000 --by days    files of all tickers' days

A file at a time is in memory, so that 50 million bars need no more of it than one million.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components import contract

FIRST_DAY = np.datetime64("2000-01-03")
FILE_BARS = 500_000
DEGREES_OF_FREEDOM = 5.0
REACTION = 0.08
MEMORY = 0.90
DECIMALS = 4
Columns = dict[str, npt.NDArray[np.float64]]


class Universe:
    """Tickers that go on from day to day."""

    def __init__(self, num_tickers: int, seed: np.random.SeedSequence) -> None:
        self._rng = np.random.default_rng(seed)
        self._long_run = self._rng.uniform(0.01, 0.025, num_tickers) ** 2
        self._variance = self._long_run.copy()
        self._close = self._rng.uniform(20.0, 200.0, num_tickers)
        self._volume = self._rng.uniform(1e5, 5e7, num_tickers)
        self._adjustment = self._rng.uniform(0.2, 1.0, num_tickers)

    def advance(self, num_days: int) -> Columns:
        """Draws the next days: each of contract.BAR_COLUMNS, float64 [num_days, num_tickers]."""
        returns, volatility = self._draw_returns(num_days)
        close = self._close * np.exp(np.cumsum(returns, axis=0))
        previous = np.vstack([self._close, close[:-1]])
        self._close = close[-1]
        noise = self._rng.standard_normal((3, *returns.shape))
        open_ = previous * np.exp(0.4 * returns + 0.3 * volatility * noise[0])
        high = np.maximum(open_, close) * np.exp(0.4 * volatility * np.abs(noise[1]))
        low = np.minimum(open_, close) * np.exp(-0.4 * volatility * np.abs(noise[2]))
        surprise = np.abs(returns) / volatility
        volume = np.rint(self._volume * np.exp(0.3 * surprise + 0.2 * noise[0]))
        prices = (open_, high, low, close, close * self._adjustment)
        columns = (*(np.round(price, DECIMALS) for price in prices), volume)
        return dict(zip(contract.BAR_COLUMNS, columns, strict=True))

    def _draw_returns(self, num_days: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Returns log returns and their volatilities, [num_days, num_tickers]."""
        scale = np.sqrt((DEGREES_OF_FREEDOM - 2.0) / DEGREES_OF_FREEDOM)
        returns = scale * self._rng.standard_t(DEGREES_OF_FREEDOM, (num_days, len(self._close)))
        volatility = np.empty_like(returns)
        base = (1.0 - REACTION - MEMORY) * self._long_run
        for day in range(num_days):
            volatility[day] = np.sqrt(self._variance)
            returns[day] *= volatility[day]
            self._variance = base + REACTION * returns[day] ** 2 + MEMORY * self._variance
        return returns, volatility


def simulate_tables(num_tickers: int, num_days: int, seed: int, by_days: bool) -> Iterator[pa.Table]:
    """Draws bars, about FILE_BARS a table.

    Args:
      num_tickers: T000000, T000001, ... on the same business days.
      num_days: bars of each.
      seed: the same seed gives the same tables, but other ones for the other layout.
      by_days: a table holds some days of all tickers, sorted by day; else all days of some tickers.
    """
    root = np.random.SeedSequence(seed)
    names = np.array([f"T{number:06d}" for number in range(num_tickers)])
    days = np.busday_offset(FIRST_DAY, np.arange(num_days), roll="forward")
    if by_days:
        universe, step = Universe(num_tickers, root), max(1, FILE_BARS // num_tickers)
        for start in range(0, num_days, step):
            own = days[start : start + step]
            yield _table(names, own, universe.advance(len(own)), by_days)
        return
    step = max(1, FILE_BARS // num_days)
    starts = range(0, num_tickers, step)
    for start, child in zip(starts, root.spawn(len(starts)), strict=True):
        group = names[start : start + step]
        yield _table(group, days, Universe(len(group), child).advance(num_days), by_days)


def _table(
    names: npt.NDArray[np.str_], days: npt.NDArray[np.datetime64], columns: Columns, by_days: bool
) -> pa.Table:
    shape = (len(days), len(names))
    grids = {
        contract.TICKER: np.broadcast_to(np.arange(len(names)), shape),
        contract.DATE: np.broadcast_to(days[:, None], shape),
        **columns,
    }
    flat = {name: (grid if by_days else grid.T).reshape(-1) for name, grid in grids.items()}
    flat[contract.TICKER] = pa.DictionaryArray.from_arrays(flat[contract.TICKER], names).cast(pa.string())
    return pa.table(flat)


def write_universe(folder: pathlib.Path, tables: Iterator[pa.Table]) -> int:
    """Writes a file for each table, and returns the number of bars."""
    folder.mkdir(parents=True)
    num_bars = 0
    for number, table in enumerate(tables):
        pq.write_table(table, folder / f"bars-{number:05d}.parquet")
        num_bars += len(table)
    return num_bars


def main() -> None:
    """Writes a universe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tickers", type=int, required=True)
    parser.add_argument("--days", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by", choices=("tickers", "days"), default="tickers")
    given = parser.parse_args()
    tables = simulate_tables(given.tickers, given.days, given.seed, given.by == "days")
    print(f"{write_universe(given.folder, tables):,} bars in {given.folder}")


if __name__ == "__main__":
    main()
