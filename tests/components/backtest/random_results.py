"""Results of a backtest drawn at random: ragged, with days that do not move, in no order."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa

from components import contract
from components.backtest import results

TICKERS = {"AAA": "tech", "BBB": "tech", "CCC": "banks", "DDD": "banks", "EEE": "unknown", "NEW": "tech"}
MODELS = ((contract.MODEL_NAME, 1), (contract.MODEL_NAME, 2), ("ewma_empirical", 0), ("garch_t", 0))
HORIZONS = (1, 3)
FIRST = datetime.date(2007, 6, 11)
NUM_DAYS = 60
SECOND_FOLD = datetime.date(2007, 7, 9)
STEPS = np.array([-1.645, -1.282, -0.674, 0.02, 0.674, 1.282, 1.645])


def draw_table(seed: int = 0, models=MODELS, num_days: int = NUM_DAYS) -> pa.Table:
    """Rows of results.SCHEMA.

    GARCH has no forecast of DDD, EWMA none of every seventh day; NEW comes late; some days do not move.
    """
    rng = np.random.default_rng(seed)
    truth = _draw_truth(rng, num_days)
    rows = [
        {**row, results.MODEL: model, results.SEED: number, **_draw_quantiles(rng, row)}
        for model, number in models
        for row in truth
        if not (model == "garch_t" and row[contract.TICKER] == "DDD")
        and not (model == "ewma_empirical" and row[results.ORIGIN].toordinal() % 7 == 0)
    ]
    order = rng.permutation(len(rows))
    return pa.Table.from_pylist([rows[index] for index in order], schema=results.SCHEMA)


def _draw_truth(rng, num_days):
    rows = []
    for number, (ticker, sector) in enumerate(TICKERS.items()):
        closes = 20.0 * (number + 1) * np.exp(np.cumsum(rng.normal(0, 0.02, num_days)))
        for day in range(15 if ticker == "NEW" else 0, num_days):
            origin = FIRST + datetime.timedelta(day)
            volatility = float(np.float32(0.01 + 0.01 * number + 0.01 * rng.random()))
            for horizon in HORIZONS:
                actual = 0.0 if rng.random() < 0.1 else rng.normal(0.001, 0.03 * horizon**0.5)
                rows.append(
                    {
                        contract.TICKER: ticker,
                        contract.SECTOR: sector,
                        results.ORIGIN: origin,
                        contract.DATE: origin + datetime.timedelta(horizon),
                        contract.HORIZON: horizon,
                        results.FOLD: SECOND_FOLD if origin >= SECOND_FOLD else FIRST,
                        results.ACTUAL: actual,
                        contract.CLOSE: closes[day],
                        contract.VOLATILITY: volatility,
                    }
                )
    return rows


def _draw_quantiles(rng, row):
    scale = 0.03 * row[contract.HORIZON] ** 0.5 * rng.uniform(0.5, 1.5)
    quantiles = scale * STEPS + rng.normal(0, 0.002)
    return dict(zip(results.QUANTILE_COLUMNS, quantiles.tolist(), strict=True))
