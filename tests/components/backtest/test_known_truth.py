"""Where the law of the returns is known: the network beats EWMA, and not the truth."""

from __future__ import annotations

import numpy as np
import pytest

from components.backtest.classical import EwmaEmpirical
from components.backtest.garch import FittedGarch, GarchParameters
from components.backtest.network import Network
from components.evaluate import baselines, metrics
from components.ingest.bars import iso_date
from components.train.config import ModelConfig, TrainConfig
from tests.components.backtest.price_paths import make_bars

pytestmark = pytest.mark.tf

TRUE = GarchParameters(mean=0.0, omega=0.3, alpha=0.12, gamma=0.0, beta=0.73, freedom=8.0)
"""Variance goes back to its mean within days, which EWMA cannot know."""
NUM_DAYS, FIRST_EVAL, FIRST = 3000, 1600, 2000
TRAIN = TrainConfig(
    steps=240, batch_crops=16, crop_days=63, learning_rate=3e-3, weight_decay=1e-4, warmup_steps=30
)
MAX_SKILL_OVER_TRUTH = 0.001
"""The truth's own sampling noise over these days; any look-ahead is worth several times as much."""


def simulate(seed: int) -> np.ndarray:
    """Log returns, fractions, of the law TRUE."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_t(TRUE.freedom, NUM_DAYS) * np.sqrt((TRUE.freedom - 2.0) / TRUE.freedom)
    returns, variance = np.empty(NUM_DAYS), TRUE.unconditional_variance
    for day in range(NUM_DAYS):
        returns[day] = np.sqrt(variance) * noise[day]
        variance = TRUE.omega + TRUE.alpha * returns[day] ** 2 + TRUE.beta * variance
    return returns / 100.0


@pytest.fixture(scope="module")
def losses() -> dict[str, np.ndarray]:
    """Pinball loss of each model one day ahead, [days], means over the tickers."""
    paths = {name: make_bars(simulate(seed), name) for seed, name in enumerate("ABCDEFGH")}
    train = {name: bars.slice(0, FIRST) for name, bars in paths.items()}
    eval_start = iso_date(int(paths["A"].dates[FIRST_EVAL]))
    fitted = {
        "network": Network(ModelConfig(dropout=0.1), TRAIN, 756, eval_start).fit(train),
        "ewma": EwmaEmpirical().fit(train),
        "truth": FittedGarch({}, TRUE),
    }
    scores = {}
    for name, forecaster in fitted.items():
        own = []
        for bars in paths.values():
            labels = np.diff(np.log(bars.adj_close))[FIRST:]
            quantiles = forecaster.forecast(bars, FIRST)[: len(labels), 0]
            own.append(metrics.pinball(labels, quantiles, baselines.LEVELS))
        scores[name] = np.mean(own, axis=0)
    return scores


def test_the_network_does_not_beat_the_truth(losses):
    skill = metrics.skill(losses["network"].mean(), losses["truth"].mean())
    assert skill <= MAX_SKILL_OVER_TRUTH
    assert metrics.diebold_mariano(losses["truth"] - losses["network"]) < 2.0


def test_the_network_beats_ewma(losses):
    assert metrics.skill(losses["network"].mean(), losses["ewma"].mean()) > 0.005
    assert metrics.diebold_mariano(losses["ewma"] - losses["network"]) > 2.0
    assert metrics.skill(losses["truth"].mean(), losses["ewma"].mean()) > 0.005, "there is something to learn"
