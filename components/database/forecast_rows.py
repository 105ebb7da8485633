"""Forecasts of a chunk as rows of the table of forecasts, with what came and what the baseline lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components import contract
from components.evaluate import baselines
from components.evaluate.metrics import Floats, pinball
from components.evaluate.scoreboard import ScoredChunk
from components.ingest.bars import EPOCH


def make_rows(
    model_version: str, chunk: ScoredChunk, days: npt.NDArray[np.int64], latest: Floats | None = None
) -> list[Sequence[Any]]:
    """Makes a row for each target day and horizon.

    Args:
      model_version: of the model.
      chunk: forecasts of c days, with what came.
      days: all of the ticker's days of the split, ascending, days since 1970-01-01; they name the day that is
        forecast.
      latest: [horizons, levels], what the model answers when it is asked on the chunk's last day and knows no
        more than a server does; it takes that day's place. None leaves the chunk's own.
    Returns:
      Rows of tables.FORECASTS.
    """
    quantiles = chunk.quantiles.copy()
    if latest is not None:
        quantiles[-1] = latest
    volatility = baselines.ewma_volatility(chunk.adj_close)[-len(chunk.dates) :]
    baseline = baselines.ewma_empirical(volatility, chunk.base_quantiles)
    known = chunk.label_mask > 0.0
    losses = [pinball(chunk.label, forecast, baselines.LEVELS) for forecast in (quantiles, baseline)]
    targets = _find_targets(chunk.dates, days)
    rows: list[Sequence[Any]] = []
    for day, as_of in enumerate(_to_dates(chunk.dates)):
        for index, horizon in enumerate(contract.HORIZONS):
            came = [
                float(values[day, index]) if known[day, index] else None for values in (chunk.label, *losses)
            ]
            rows.append(
                (
                    model_version,
                    chunk.ticker,
                    as_of,
                    horizon,
                    targets[day][index],
                    float(chunk.close[day]),
                    *quantiles[day, index].tolist(),
                    *came,
                )
            )
    return rows


def _find_targets(dates: npt.NDArray[np.int64], days: npt.NDArray[np.int64]) -> list[list[Any]]:
    """The day that each forecast is for, None where it has not come: [c][horizons]."""
    ends = np.searchsorted(days, dates)[:, np.newaxis] + np.asarray(contract.HORIZONS)
    padded = [*_to_dates(days), *[None] * max(contract.HORIZONS)]
    return [[padded[end] for end in row] for row in ends]


def _to_dates(days: npt.NDArray[np.int64]) -> list[Any]:
    dates: list[Any] = (EPOCH + days.astype("timedelta64[D]")).tolist()
    return dates
