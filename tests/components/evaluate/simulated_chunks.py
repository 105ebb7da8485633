"""Chunks of simulated bars, with the true volatility of each target day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components import contract
from components.evaluate import baselines
from components.ingest.bars import TickerBars
from components.ingest.chunks import Chunk, ChunkConfig, cut_chunks
from tests.fixtures.simulated_bars import simulate_garch_bars

ROOT_HORIZONS = np.sqrt(baselines.HORIZONS)[:, np.newaxis]
SECTORS = ("Energy", "Health")
CONFIG = ChunkConfig(chunk_days=400, eval_start="2001-03-01", test_start="2001-06-01")


def simulate_tickers(num_tickers: int, num_days: int, seed: int) -> tuple[list[TickerBars], list[np.ndarray]]:
    """Bars of each ticker in float32, as the examples hold them, and the next day's true volatility."""
    table = simulate_garch_bars(num_tickers, num_days, seed, with_truth=True)
    bars, truth = [], []
    for index, (ticker, rows) in enumerate(table.groupby(contract.TICKER)):
        days = pd.to_datetime(rows[contract.DATE]).to_numpy().astype("datetime64[D]").astype(np.int64)
        columns = {name: rows[name].to_numpy(np.float32) for name in contract.BAR_COLUMNS}
        bars.append(TickerBars(str(ticker), SECTORS[index % len(SECTORS)], days, **columns))
        truth.append(rows["next_volatility"].to_numpy())
    return bars, truth


def learn_base_quantiles(bars: list[TickerBars], config: ChunkConfig = CONFIG) -> np.ndarray:
    """Quantiles of return / (volatility * sqrt(horizon)) on the train split, [horizons, levels]."""
    standardised: list[np.ndarray] = []
    masks: list[np.ndarray] = []
    for chunk in (chunk for own in bars for chunk in cut_chunks(own, config)):
        if chunk.split == contract.TRAIN_SPLIT:
            volatility = baselines.ewma_volatility(chunk.bars.adj_close)[contract.LOOKBACK :]
            standardised.append(chunk.label / (volatility[:, np.newaxis] * ROOT_HORIZONS[:, 0]))
            masks.append(chunk.label_mask > 0)
    values, mask = np.concatenate(standardised), np.concatenate(masks)
    return np.stack(
        [np.quantile(values[mask[:, h], h], baselines.LEVELS) for h in range(len(contract.HORIZONS))]
    )


def cut_test_chunks(bars: list[TickerBars], config: ChunkConfig = CONFIG) -> list[Chunk]:
    """The chunks of the test split."""
    return [c for own in bars for c in cut_chunks(own, config) if c.split == contract.TEST_SPLIT]
