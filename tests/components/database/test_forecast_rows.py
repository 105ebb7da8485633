"""Rows of a chunk's forecasts against a slow reference."""

from __future__ import annotations

import numpy as np

from components import contract
from components.database.forecast_rows import make_rows
from components.database.tables import FORECASTS
from components.evaluate import baselines
from components.evaluate.scoreboard import ScoredChunk, score_chunk
from components.ingest.bars import EPOCH

NUM_DAYS = 8
SHAPE = (NUM_DAYS, len(contract.HORIZONS), len(contract.QUANTILE_LEVELS))


def make_chunk(seed: int = 3) -> ScoredChunk:
    """A chunk of the split's last days: what the last days are to become is unknown."""
    rng = np.random.default_rng(seed)
    adj_close = np.exp(np.cumsum(rng.normal(0.0, 0.01, contract.LOOKBACK + NUM_DAYS)))
    day, horizon = np.indices(SHAPE[:2])
    mask = (day + horizon + 1 < NUM_DAYS).astype(float)
    return ScoredChunk(
        ticker="IBM",
        dates=np.arange(NUM_DAYS) * 3 + 15_000,
        close=100.0 + np.arange(NUM_DAYS),
        adj_close=adj_close,
        label=rng.normal(0.0, 0.02, SHAPE[:2]) * mask,
        label_mask=mask,
        quantiles=np.sort(rng.normal(0.0, 0.02, SHAPE), axis=-1),
        base_quantiles=np.sort(rng.normal(0.0, 1.0, SHAPE[1:]), axis=-1),
    )


def slow_pinball(actual, quantiles):
    """The formula, level by level."""
    losses = [
        level * (actual - quantile) if actual >= quantile else (1.0 - level) * (quantile - actual)
        for level, quantile in zip(contract.QUANTILE_LEVELS, quantiles, strict=True)
    ]
    return sum(losses) / len(losses)


def test_each_row_is_what_the_slow_reference_says():
    chunk = make_chunk()
    rows = [dict(zip(FORECASTS.columns, row, strict=True)) for row in make_rows("m", chunk, chunk.dates)]
    assert len(rows) == NUM_DAYS * len(contract.HORIZONS)
    volatility = baselines.ewma_volatility(chunk.adj_close)[-NUM_DAYS:]
    for row, (day, index) in zip(rows, np.ndindex(SHAPE[:2]), strict=True):
        horizon = contract.HORIZONS[index]
        assert (row["model_version"], row["ticker"], row["horizon"]) == ("m", "IBM", horizon)
        assert row["as_of"] == (EPOCH + np.timedelta64(chunk.dates[day], "D")).item()
        assert row["close"] == 100.0 + day
        np.testing.assert_array_equal([row[f"q{level:02.0f}"] for level in (5, 10, 25, 50, 75, 90, 95)],
                                      chunk.quantiles[day, index])  # fmt: skip
        if day + horizon >= NUM_DAYS:
            assert (row["target_date"], row["actual"], row["loss"], row["baseline_loss"]) == (None,) * 4
            continue
        actual = chunk.label[day, index]
        baseline = volatility[day] * np.sqrt(horizon) * chunk.base_quantiles[index]
        assert row["target_date"] == (EPOCH + np.timedelta64(chunk.dates[day + horizon], "D")).item()
        assert row["actual"] == actual
        np.testing.assert_allclose(row["loss"], slow_pinball(actual, chunk.quantiles[day, index]))
        np.testing.assert_allclose(row["baseline_loss"], slow_pinball(actual, baseline))


def test_the_losses_add_up_to_the_evaluators():
    chunk = make_chunk()
    board = score_chunk(chunk)
    rows = [dict(zip(FORECASTS.columns, row, strict=True)) for row in make_rows("m", chunk, chunk.dates)]
    ours = [sum(row[name] or 0.0 for row in rows) for name in ("loss", "baseline_loss")]
    np.testing.assert_allclose(ours, board.sums.sum(axis=(0, 1))[[1, 2]])


def test_a_chunk_in_the_midst_names_days_of_the_next():
    chunk = make_chunk()
    later = np.append(chunk.dates, chunk.dates[-1] + 1)
    row = make_rows("m", chunk, later)[-len(contract.HORIZONS)]
    assert row[4] == (EPOCH + np.timedelta64(later[-1], "D")).item()


def test_the_last_day_is_what_a_server_answers():
    chunk = make_chunk()
    latest = np.sort(np.random.default_rng(4).normal(size=SHAPE[1:]), axis=-1)
    plain, served = make_rows("m", chunk, chunk.dates), make_rows("m", chunk, chunk.dates, latest)
    last = len(contract.HORIZONS)
    assert plain[:-last] == served[:-last]
    np.testing.assert_array_equal([row[6:13] for row in served[-last:]], latest)
