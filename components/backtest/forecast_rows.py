"""Rows of a backtest's results as arrays: the forecasts of one model, seed and horizon at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components import contract
from components.backtest.results import ACTUAL, FOLD, MODEL, ORIGIN, QUANTILE_COLUMNS, SEED
from components.errors import InputError
from components.evaluate import baselines
from components.evaluate.metrics import Floats, pinball

Ints = npt.NDArray[np.int64]

_KEY_DAYS = 2**32
"""More than there are days, so that a ticker's number times this plus a day tells both."""


@dataclasses.dataclass(frozen=True)
class Forecasts:
    """n forecasts of one model, seed and horizon, by ticker and then by origin, each pair once.

    Attributes:
      names: of tickers and sectors, sorted: what the numbers in `tickers` and `sectors` stand for.
      tickers, sectors: int64 [n].
      origins, folds: int64 [n], days since 1970-01-01.
      quantiles: [n, levels] log returns; actual: [n] log returns.
      close: [n], price at the origin, in currency; volatility: [n], a fraction a day.
    """

    names: Names
    tickers: Ints
    sectors: Ints
    origins: Ints
    folds: Ints
    quantiles: Floats
    actual: Floats
    close: Floats
    volatility: Floats

    def __len__(self) -> int:
        return len(self.actual)

    @property
    def keys(self) -> Ints:
        """A number for each ticker and origin, rising."""
        keys: Ints = self.tickers * _KEY_DAYS + self.origins
        return keys

    @property
    def losses(self) -> Floats:
        """Pinball loss of each forecast, mean over the levels."""
        return pinball(self.actual, self.quantiles, baselines.LEVELS)

    def inside(self, ends: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Whether each actual is in a band, given the positions of its ends among the levels; [n]."""
        low, high = self.quantiles[:, ends[0]], self.quantiles[:, ends[1]]
        held: npt.NDArray[np.bool_] = (low <= self.actual) & (self.actual <= high)
        return held


@dataclasses.dataclass(frozen=True)
class Names:
    """Sorted names of all tickers and all sectors of a table."""

    tickers: tuple[str, ...]
    sectors: tuple[str, ...]


def list_names(table: pa.Table) -> Names:
    """Names that a table of results holds."""
    return Names(*(tuple(distinct(table, column)) for column in (contract.TICKER, contract.SECTOR)))


def distinct(table: pa.Table, column: str) -> list[Any]:
    """Values of a column, each once, sorted."""
    return sorted(pc.unique(table[column]).to_pylist())


def list_seeds(table: pa.Table) -> dict[str, list[int]]:
    """Seeds of each model, both sorted."""
    pairs = table.select([MODEL, SEED]).group_by([MODEL, SEED]).aggregate([]).to_pylist()
    seeds: dict[str, list[int]] = {model: [] for model in sorted({pair[MODEL] for pair in pairs})}
    for pair in pairs:
        seeds[pair[MODEL]].append(pair[SEED])
    return {model: sorted(own) for model, own in seeds.items()}


def take_forecasts(table: pa.Table, names: Names, model: str, seed: int, horizon: int) -> Forecasts:
    """Forecasts of one model, seed and horizon; none is an answer too.

    Args:
      table: of results.SCHEMA, in any order.
      names: of `list_names(table)`.
    Raises:
      InputError: two forecasts are for the same ticker and origin, or one is not finite.
    """
    is_own = pc.and_(
        pc.and_(pc.equal(table[contract.HORIZON], horizon), pc.equal(table[SEED], seed)),
        pc.equal(table[MODEL], model),
    )
    rows = table.filter(is_own)
    quantiles = np.stack([_floats(rows[name]) for name in QUANTILE_COLUMNS], axis=-1)
    forecasts = Forecasts(
        names,
        _numbers(rows[contract.TICKER], names.tickers),
        _numbers(rows[contract.SECTOR], names.sectors),
        _days(rows[ORIGIN]),
        _days(rows[FOLD]),
        quantiles,
        *(_floats(rows[name]) for name in (ACTUAL, contract.CLOSE, contract.VOLATILITY)),
    )
    forecasts = _sort(forecasts)
    _check(forecasts, f"{model} (seed {seed}, horizon {horizon})")
    return forecasts


def _sort(forecasts: Forecasts) -> Forecasts:
    keys = forecasts.keys
    if (np.diff(keys) >= 0).all():
        return forecasts
    order = np.argsort(keys, kind="stable")
    arrays = {
        field.name: getattr(forecasts, field.name)[order]
        for field in dataclasses.fields(forecasts)
        if field.name != "names"
    }
    return dataclasses.replace(forecasts, **arrays)


def _check(forecasts: Forecasts, whose: str) -> None:
    if repeated := int((np.diff(forecasts.keys) == 0).sum()):
        raise InputError(
            f"results must hold one forecast of {whose} for each ticker and origin, got {repeated} more; "
            "the folder has folds that overlap: give the backtest a folder of its own"
        )
    known = np.isfinite(forecasts.quantiles).all(axis=1) & np.isfinite(forecasts.actual)
    if missing := int((~known).sum()):
        raise InputError(
            f"forecasts of {whose} must be finite, got {missing} that are not; delete the files of this "
            "model and run the backtest again"
        )


def _numbers(column: pa.ChunkedArray, names: Sequence[str]) -> Ints:
    """Position of each name among `names`."""
    positions: Ints = pc.index_in(column, value_set=pa.array(names, pa.string())).to_numpy().astype(np.int64)
    return positions


def _days(column: pa.ChunkedArray) -> Ints:
    days: Ints = column.cast(pa.int32()).to_numpy().astype(np.int64)
    return days


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = column.to_numpy().astype(np.float64)
    return values
