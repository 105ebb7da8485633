"""How far coverage of 60 days moves by chance: windows of the test split, by the pushed model.

python -m benchmarks.drift [MODEL_BASE_PATH]: prints percentiles of the windows' coverage, its t and the skill
against RiskMetrics' EWMA.
"""

from __future__ import annotations

import sys

import numpy as np

from components import contract
from pipeline.environment import load_serving_sections
from serving.client_config import ClientConfig
from serving.connect import connect
from serving.drift.command import take_listed
from serving.drift.config import DAYS
from serving.drift.figures import PastForecasts, judge
from serving.drift.replay import replay
from serving.embedded import start_server
from serving.universe import read_universe

TEST_DAYS = 540
PERCENTILES = (0, 1, 5, 50, 95, 99, 100)


def main() -> int:
    """Replays the test split and judges each window of it."""
    sections = load_serving_sections("", ())
    base_path = sys.argv[1] if len(sys.argv) > 1 else sections.paths.model_base_path
    universe = read_universe(sections.source, sections.validation, num_bars=contract.LOOKBACK + TEST_DAYS)
    newest = max(columns[contract.DATE][-1] for columns in universe.bars.values())
    listed = take_listed(universe.bars, newest)
    with start_server(base_path) as address, connect(ClientConfig(address)) as client:
        past, version = replay(client, listed, TEST_DAYS)
    dates = np.unique(past.dates)
    windows = [judge(_cut(past, dates[i], dates[i + DAYS - 1])) for i in range(len(dates) - DAYS + 1)]
    print(f"model {version}, {len(windows)} windows of {DAYS} days, {len(listed)} tickers")
    print(f"{'percentile':>12}" + "".join(f"{one:>9}" for one in PERCENTILES))
    rows = {
        "coverage": [one.coverage[90] for one in windows],
        "t": [one.coverage_t for one in windows],
        "skill": [one.skill for one in windows],
    }
    for name, values in rows.items():
        print(f"{name:>12}" + "".join(f"{value:9.3f}" for value in np.percentile(values, PERCENTILES)))
    return 0


def _cut(past: PastForecasts, first: np.datetime64, last: np.datetime64) -> PastForecasts:
    kept = (past.dates >= first) & (past.dates <= last)
    return PastForecasts(past.dates[kept], past.quantiles[kept], past.baseline[kept], past.actual[kept])


if __name__ == "__main__":
    sys.exit(main())
