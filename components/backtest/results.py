"""What a backtest leaves behind: a Parquet file for each fold, model and seed, whole or not there."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components import contract
from components.errors import InputError
from components.evaluate import baselines
from components.evaluate.metrics import Floats
from components.ingest.bars import TickerBars

ORIGIN = "origin"
MODEL = "model"
SEED = "seed"
FOLD = "fold"
ACTUAL = "actual"
QUANTILE_COLUMNS = tuple(f"q{round(100 * level):02d}" for level in contract.QUANTILE_LEVELS)

SCHEMA = pa.schema(
    [
        (contract.TICKER, pa.string()),
        (contract.SECTOR, pa.string()),
        (ORIGIN, pa.date32()),
        (contract.DATE, pa.date32()),
        (contract.HORIZON, pa.int8()),
        (MODEL, pa.string()),
        (SEED, pa.int32()),
        (FOLD, pa.date32()),
        *((name, pa.float32()) for name in QUANTILE_COLUMNS),
        (ACTUAL, pa.float32()),
        (contract.CLOSE, pa.float64()),
        (contract.VOLATILITY, pa.float32()),
    ]
)
"""One forecast a row: made on the close of `origin` for the close of `date`, `horizon` trading days later,
by a model fitted before `fold`. Quantiles and `actual` are log returns of the adjusted close since `origin`;
`close` is the price at `origin`, `volatility` the EWMA one of that day, a fraction. Forecasts whose `date`
has not come yet are left out."""


class Part(NamedTuple):
    """What one file holds: the forecasts of one model and seed (0 for models without) in one fold."""

    fold: str
    model: str
    seed: int = 0

    @property
    def path(self) -> str:
        """Of its file in the folder of the results."""
        return f"{self.fold}/{self.model}-{self.seed}.parquet"


def make_rows(part: Part, bars: TickerBars, first: int, quantiles: Floats) -> pa.Table:
    """Forecasts of one ticker as rows of SCHEMA.

    Args:
      part: who made them.
      bars: all bars of the ticker; later ones tell what came true.
      first: position of the first bar that was forecast on.
      quantiles: [days, horizons, levels] log returns, of the bars from `first` on.
    """
    origins = first + np.arange(len(quantiles))
    ends = origins[:, np.newaxis] + np.asarray(contract.HORIZONS)
    day, horizon = np.nonzero(ends < len(bars))
    origin, end = origins[day], ends[day, horizon]
    log_price = np.log(bars.adj_close)
    volatility = baselines.ewma_volatility(bars.adj_close)
    columns: dict[str, object] = {
        contract.TICKER: np.full(len(day), bars.ticker),
        contract.SECTOR: np.full(len(day), bars.sector),
        ORIGIN: bars.dates[origin].astype(np.int32),
        contract.DATE: bars.dates[end].astype(np.int32),
        contract.HORIZON: np.asarray(contract.HORIZONS, np.int8)[horizon],
        MODEL: np.full(len(day), part.model),
        SEED: np.full(len(day), part.seed, np.int32),
        FOLD: np.full(len(day), np.datetime64(part.fold, "D")),
        ACTUAL: (log_price[end] - log_price[origin]).astype(np.float32),
        contract.CLOSE: bars.close[origin],
        contract.VOLATILITY: volatility[origin].astype(np.float32),
    }
    columns |= {
        name: quantiles[day, horizon, level].astype(np.float32) for level, name in enumerate(QUANTILE_COLUMNS)
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)


def write_part(folder: pathlib.Path, part: Part, rows: pa.Table) -> None:
    """Writes one file: under another name first, so that what has the right one is whole."""
    path = folder / part.path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    pq.write_table(rows, unfinished, compression="zstd")
    os.replace(unfinished, path)


def has_part(folder: pathlib.Path, part: Part) -> bool:
    """Says whether an earlier run wrote it."""
    return (folder / part.path).is_file()


def read_results(folder: pathlib.Path) -> pa.Table:
    """All rows, sorted by model, seed, ticker, origin and horizon.

    Raises:
      InputError: the folder has no results, or a file is none of a backtest.
    """
    tables = list(_read_parts(folder))
    if not tables:
        raise InputError(
            f"{folder} must hold results of a backtest, got none; make them with `marketcast backtest`"
        )
    keys = (MODEL, SEED, contract.TICKER, ORIGIN, contract.HORIZON)
    return pa.concat_tables(tables).sort_by([(key, "ascending") for key in keys])


def _read_parts(folder: pathlib.Path) -> Iterator[pa.Table]:
    for path in sorted(folder.glob("*/*.parquet")):
        try:
            yield pq.read_table(path, schema=SCHEMA, partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{path} must be a file that `marketcast backtest` wrote, got {error}; delete it and run the "
                "backtest again, which makes what is missing"
            ) from error
