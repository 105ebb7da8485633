"""How fast chunks train, beside windows cut one by one; how much is stored for it.

    python -m benchmarks.training            prints both ratios from one run
    python -m benchmarks.training --json

The article's way is the one of most samples: an LSTM fed windows of the lookback one by one, batch
32, one target each. Same network, same lookback, same machine, one after the other in this process.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time

import keras
import numpy as np

from components import contract
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig, cut_chunks
from components.ingest.panel import read_panel
from components.ingest.source_config import SourceConfig
from components.train import model
from components.train.config import ModelConfig, TrainConfig
from components.train.training import PinballLoss, compile_for_fit
from components.transform import features as causal

WINDOW_BATCH = 32
TIMED_STEPS = 40
WARMUP_STEPS = 10
LARGE_UNIVERSE = TrainConfig(batch_crops=64, crop_days=126)
BASE = np.tile(
    np.linspace(-1.6, 1.6, len(contract.QUANTILE_LEVELS), dtype=np.float32), (model.NUM_HORIZONS, 1)
)


@dataclasses.dataclass(frozen=True)
class Result:
    """Target days a second of each way, their ratios to windows, and stored bars a bar."""

    windows_per_second: float
    shipped_per_second: float
    large_per_second: float
    shipped_ratio: float
    large_ratio: float
    stored_bars_ratio: float


def measure() -> Result:
    """Runs everything once."""
    windows = _time_windows()
    shipped, large = (_time_crops(config) for config in (TrainConfig(), LARGE_UNIVERSE))
    return Result(windows, shipped, large, shipped / windows, large / windows, measure_storage())


def measure_storage() -> float:
    """Stored bars over the bars beyond each ticker's first lookback, on the shipped data."""
    panel = read_panel(SourceConfig(), ValidationConfig())
    stored = sum(len(chunk.bars) for bars in panel.bars.values() for chunk in cut_chunks(bars, ChunkConfig()))
    return stored / sum(len(bars) - contract.LOOKBACK for bars in panel.bars.values())


def _time_crops(config: TrainConfig) -> float:
    """Target days a second with a loss at each day of a crop."""
    network = model.build_network(ModelConfig(), causal.NUM_FEATURES)
    trainable = compile_for_fit(network, BASE, config)
    shape = (config.batch_crops, config.crop_days)
    steps = causal.NETWORK_STEPS - 1 + config.crop_days
    inputs = np.random.default_rng(0).normal(size=(shape[0], steps, causal.NUM_FEATURES)).astype(np.float32)
    labels = np.zeros((*shape, model.NUM_HORIZONS), np.float32)
    return shape[0] * shape[1] * _steps_per_second(trainable, inputs, labels)


def _time_windows() -> float:
    """Windows a second: the same network on one lookback of features for each target."""
    network = model.build_network(ModelConfig(), causal.NUM_FEATURES)
    inputs = keras.Input((causal.NETWORK_STEPS, causal.NUM_FEATURES))
    quantiles = model.correct_quantiles(network(inputs)[:, -1:], keras.ops.convert_to_tensor(BASE))
    trainable = keras.Model(inputs, quantiles)
    trainable.compile(keras.optimizers.AdamW(1e-3), PinballLoss())
    shape = (WINDOW_BATCH, causal.NETWORK_STEPS, causal.NUM_FEATURES)
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    labels = np.zeros((WINDOW_BATCH, 1, model.NUM_HORIZONS), np.float32)
    return WINDOW_BATCH * _steps_per_second(trainable, values, labels)


def _steps_per_second(trainable: keras.Model, inputs: np.ndarray, labels: np.ndarray) -> float:
    """Optimizer steps a second, after a warm-up that traces the graph."""
    weights = np.ones(labels.shape, np.float32)
    for _ in range(WARMUP_STEPS):
        trainable.train_on_batch(inputs, labels, weights)
    start = time.perf_counter()
    for _ in range(TIMED_STEPS):
        trainable.train_on_batch(inputs, labels, weights)
    return TIMED_STEPS / (time.perf_counter() - start)


def main() -> None:
    """Prints the result, for people or as JSON."""
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(dataclasses.asdict(result)))
        return
    rows = {
        f"windows one by one, batch {WINDOW_BATCH}": (result.windows_per_second, 1.0),
        "chunks, settings of the shipped data": (result.shipped_per_second, result.shipped_ratio),
        "chunks, settings of a large universe": (result.large_per_second, result.large_ratio),
    }
    print(f"{'training':<40}{'target days a second':>21}{'ratio':>8}")
    for title, (speed, ratio) in rows.items():
        print(f"{title:<40}{speed:>21,.0f}{ratio:>8.1f}")
    print(f"stored bars for each bar beyond the first lookback: {result.stored_bars_ratio:.2f}")


if __name__ == "__main__":
    main()
