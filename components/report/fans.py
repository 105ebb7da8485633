"""Forecast fans of a backtest, packed small: what the report draws beside the prices that came."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components import contract
from components.backtest.results import ACTUAL, MODEL, ORIGIN, QUANTILE_COLUMNS, SEED

MAX_FORECASTS = 400_000
"""A page holds no more, so that a browser opens it at once; of more each ticker's last days are kept."""
RETURN_UNIT = 1e-4
"""Log returns are packed as whole numbers of it: a hundredth of a percent of the price."""
MISSING = -(2**15)
"""Stands where a horizon has no forecast, as on the last days."""

_COLUMNS = (*QUANTILE_COLUMNS, ACTUAL)


def pack_fans(table: pa.Table, max_forecasts: int = MAX_FORECASTS) -> dict[str, Any]:
    """Packs the forecasts of contract.MODEL_NAME, of its lowest seed.

    Args:
      table: of results.SCHEMA, in the order of results.read_results.
      max_forecasts: of all tickers and horizons; each ticker's share is the same.
    Returns:
      JSON types: `unit` (RETURN_UNIT), `missing` (MISSING), `days` (kept of each ticker; None for all), and
      `tickers`: by ticker `origins` (int32 days since 1970-01-01 [n]), `closes` (float32 [n]) and
      `horizons`: by horizon int16 [n, quantiles + 2], of which the last two are the log return that came and
      the calendar days from origin to date. Arrays are base64, little-endian.
    """
    own = table.filter(pc.equal(table[MODEL], contract.MODEL_NAME))
    own = own.filter(pc.equal(own[SEED], pc.min(own[SEED]))).combine_chunks()
    horizons = sorted(pc.unique(own[contract.HORIZON]).to_pylist())
    names = own[contract.TICKER].combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy()
    tickers = names.dictionary.to_pylist()
    days = None
    if own.num_rows > max_forecasts:
        days = max(1, max_forecasts // (len(tickers) * len(horizons)))
    borders = np.flatnonzero(np.diff(codes)) + 1
    packed = {}
    for rows in np.split(np.arange(len(codes)), borders):
        part = own.slice(int(rows[0]), len(rows))
        packed[tickers[codes[rows[0]]]] = _pack_ticker(part, horizons, days)
    return {"unit": RETURN_UNIT, "missing": MISSING, "days": days, "tickers": packed}


def _pack_ticker(rows: pa.Table, horizons: list[int], days: int | None) -> dict[str, Any]:
    origin_of_row = rows[ORIGIN].to_numpy().astype("datetime64[D]").astype(np.int64)
    horizon_of_row = rows[contract.HORIZON].to_numpy()
    date_of_row = rows[contract.DATE].to_numpy().astype("datetime64[D]").astype(np.int64)
    values = np.stack([rows[name].to_numpy() for name in _COLUMNS], axis=-1).astype(np.float64)
    origins, first_rows, positions = np.unique(origin_of_row, return_index=True, return_inverse=True)
    closes = rows[contract.CLOSE].to_numpy()[first_rows]
    kept = slice(len(origins) - days if days and days < len(origins) else 0, None)
    units = np.clip(np.rint(values / RETURN_UNIT), MISSING + 1, -MISSING - 1)
    by_horizon = {}
    for horizon in horizons:
        is_own = horizon_of_row == horizon
        cells = np.full((len(origins), len(_COLUMNS) + 1), MISSING)
        cells[positions[is_own], :-1] = units[is_own]
        cells[positions[is_own], -1] = (date_of_row - origin_of_row)[is_own]
        by_horizon[str(horizon)] = _encode(cells[kept], "<i2")
    return {
        "origins": _encode(origins[kept], "<i4"),
        "closes": _encode(closes[kept], "<f4"),
        "horizons": by_horizon,
    }


def _encode(values: npt.NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values.astype(dtype)).tobytes()).decode()
