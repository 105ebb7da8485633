"""The network beside the other models: the same rows, by hand."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pyarrow as pa
import pytest

from components import contract
from components.backtest import results
from components.backtest.comparison import compare

LEVELS = contract.QUANTILE_LEVELS


def make_table(model: str, seed: int, num_days: int, tickers: tuple[str, ...], draw: int) -> pa.Table:
    """Random forecasts of the first days; what came true is the same for every model."""
    rng, truth = np.random.default_rng(draw), np.random.default_rng(99)
    rows = []
    for ticker in tickers:
        for day in range(num_days):
            origin = datetime.date(2010, 1, 1) + datetime.timedelta(day)
            for horizon, actual in zip(contract.HORIZONS, truth.normal(0.0, 0.02, 5), strict=True):
                quantiles = np.sort(rng.normal(0.0, 0.02, 7))
                rows.append(
                    {
                        contract.TICKER: ticker, contract.SECTOR: "unknown", results.ORIGIN: origin,
                        contract.DATE: origin + datetime.timedelta(horizon), contract.HORIZON: horizon,
                        results.MODEL: model, results.SEED: seed, results.FOLD: datetime.date(2010, 1, 1),
                        **dict(zip(results.QUANTILE_COLUMNS, quantiles, strict=True)),
                        results.ACTUAL: actual, contract.CLOSE: 100.0, contract.VOLATILITY: 0.01,
                    }
                )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=results.SCHEMA)


def slow_loss(row) -> float:
    errors = [row[results.ACTUAL] - row[name] for name in results.QUANTILE_COLUMNS]
    return sum(max(q * e, (q - 1) * e) for q, e in zip(LEVELS, errors, strict=True)) / len(LEVELS)


@pytest.fixture(scope="module")
def table():
    parts = (
        make_table(contract.MODEL_NAME, 1, 30, ("AAA", "BBB"), 0),
        make_table(contract.MODEL_NAME, 2, 30, ("AAA", "BBB"), 5),
        make_table("historical", 0, 25, ("AAA", "BBB", "NEW"), 1),
    )
    return pa.concat_tables(parts)


def test_skill_is_on_the_rows_that_both_have(table):
    rows = table.to_pylist()
    found = {(row.model, row.horizon): row for row in compare(table, seed=1)}
    assert next(iter(found)) == (contract.MODEL_NAME, 1) and len(found) == 10
    mine = {
        (row[contract.TICKER], row[results.ORIGIN]): slow_loss(row)
        for row in rows
        if row[results.MODEL] == contract.MODEL_NAME and row[results.SEED] == 1 and row[contract.HORIZON] == 4
    }
    theirs = {
        (row[contract.TICKER], row[results.ORIGIN]): slow_loss(row)
        for row in rows
        if row[results.MODEL] == "historical" and row[contract.HORIZON] == 4
    }
    both = mine.keys() & theirs.keys()
    expected = 1.0 - sum(mine[key] for key in both) / sum(theirs[key] for key in both)
    row = found["historical", 4]
    assert (row.forecasts, row.dates) == (len(both), 25) == (50, 25)
    assert row.skill == pytest.approx(expected, rel=1e-5)
    assert row.skill_low < row.skill < row.skill_high
    assert math.copysign(1.0, row.t) == math.copysign(1.0, row.skill)
    assert row.pinball == pytest.approx(sum(theirs[key] for key in both) / len(both), rel=1e-5)


def test_the_network_has_no_skill_against_itself(table):
    own = compare(table, seed=1)[0]
    assert own.forecasts == 60 and math.isnan(own.skill) and math.isnan(own.t)
    inside = [
        row["q05"] <= row[results.ACTUAL] <= row["q95"]
        for row in table.to_pylist()
        if row[results.SEED] == 1 and row[contract.HORIZON] == 1
    ]
    assert own.coverage_90 == pytest.approx(sum(inside) / 60)


def test_the_seed_is_the_one_that_was_asked_for(table):
    first, second = (compare(table, seed)[5].skill for seed in (1, 2))
    assert first != second


def test_without_the_network_there_are_figures_but_no_skill():
    rows = compare(make_table("historical", 0, 12, ("AAA",), 1), seed=1)
    assert len(rows) == 5 and rows[0].forecasts == 12 and math.isnan(rows[0].skill)
