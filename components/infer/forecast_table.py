"""Forecasts as a table in long format, and the file that analysts get."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components import contract
from components.errors import ConfigError

Floats = npt.NDArray[np.floating[Any]]
CSV, PARQUET = ".csv", ".parquet"


@dataclasses.dataclass(frozen=True, eq=False)
class ForecastArrays:
    """What a table is made of.

    Attributes:
      tickers: names [tickers].
      as_of: datetime64[D] [tickers].
      horizons: trading days ahead [horizons].
      levels: of the quantiles [levels].
      prices: [tickers, horizons, levels], in the units of the bars.
      returns: the same shape, log returns.
      model_version: what the model calls itself.
    """

    tickers: Sequence[str]
    as_of: npt.NDArray[np.datetime64]
    horizons: npt.NDArray[np.int32]
    levels: Floats
    prices: Floats
    returns: Floats
    model_version: str


def make_table(forecast: ForecastArrays) -> pd.DataFrame:
    """One row a ticker, horizon and level; the columns are contract.FORECAST_COLUMNS."""
    ticker, horizon, level = (index.ravel() for index in np.indices(forecast.prices.shape))
    columns = (
        np.array(forecast.tickers, object)[ticker],
        forecast.as_of.astype("datetime64[ns]")[ticker],
        forecast.horizons[horizon],
        forecast.levels[level],
        forecast.prices.ravel(),
        forecast.returns.ravel(),
        forecast.model_version,
    )
    return pd.DataFrame(dict(zip(contract.FORECAST_COLUMNS, columns, strict=True)))


def check_path(path: str) -> None:
    """Refuses a path that write_table could not write to.

    Raises:
      ConfigError: it has another suffix, or its folder is not there.
    """
    if not path.lower().endswith((CSV, PARQUET)):
        raise ConfigError(f"a file of forecasts must end in {PARQUET} or {CSV}, got {path}; name it so")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder) or os.path.isdir(path):
        raise ConfigError(
            f"a file of forecasts must go into a folder that is there, got {path}; make the folder, or name "
            "another file"
        )


def write_table(table: pd.DataFrame, path: str) -> None:
    """Writes CSV or Parquet, as the path says; what was there before is replaced at once or not at all.

    Raises:
      ConfigError: the path cannot be written to.
    """
    check_path(path)
    handle, staged = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", dir=os.path.dirname(path) or ".")
    os.close(handle)
    try:
        if path.lower().endswith(PARQUET):
            table.to_parquet(staged, index=False)
        else:
            table.to_csv(staged, index=False)
        os.chmod(staged, 0o644)
        os.replace(staged, path)
    except OSError as error:
        raise ConfigError(f"{path} must be a file that can be written, got {error}; mend that") from error
    finally:
        if os.path.exists(staged):
            os.unlink(staged)
