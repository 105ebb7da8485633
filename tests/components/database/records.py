"""Runs and sources that the tests write and read."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

from components import contract
from components.database.config import DatabaseConfig
from components.database.tables import RunRecord
from components.evaluate.verdict import CheckResult
from components.ingest.source_config import POSTGRES, SourceConfig

FIRST = datetime.date(2013, 1, 30)
CHECKS = (
    CheckResult("pinball skill", "skill_ewma_h1", 0.012, "1.20 %", ">= 0.50 %", True),
    CheckResult(
        "days inside the 90 % band", "coverage_90_h1", None, "no figure", "87.00 % to 93.00 %", False
    ),
)
RETURNS = (-0.03, -0.02, -0.01, 0.0, 0.01, 0.02, 0.03)


def make_source(config: DatabaseConfig, **changes: Any) -> SourceConfig:
    """The bars of a database."""
    return dataclasses.replace(SourceConfig(kind=POSTGRES, database=config), **changes)


def make_forecast(version: str, ticker: str, day: int, horizon: int, actual: float | None) -> Sequence[Any]:
    """A forecast made on FIRST + `day` days; where it is known, a loss of 0.002 beside 0.004."""
    as_of = FIRST + datetime.timedelta(days=day)
    came = (None, None, None) if actual is None else (actual, 0.002, 0.004)
    target = None if actual is None else as_of + datetime.timedelta(days=horizon)
    return (version, ticker, as_of, horizon, target, 100.0, *RETURNS, *came)


def make_record(version: str = "model-1", num_days: int = 4, **changes: Any) -> RunRecord:
    """A run with forecasts of two tickers; those of the last day have no actual yet."""
    forecasts = [
        make_forecast(version, ticker, day, horizon, None if day == num_days - 1 else 0.005)
        for ticker in ("AAPL", "IBM")
        for day in range(num_days)
        for horizon in contract.HORIZONS
    ]
    record = RunRecord(version, "c0ffee", "f00d", FIRST, {"min_dm_t": 2.0}, "pushed", CHECKS, forecasts)
    return dataclasses.replace(record, **changes)
