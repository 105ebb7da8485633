"""What `marketcast watch-drift` does: rounds, once or again and again, until a signal."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TextIO

import numpy as np

from components import contract
from components.errors import ConfigError, DatabaseError, InputError, MarketcastError, ServingError
from serving.bars import Columns
from serving.connect import connect
from serving.drift.config import DriftConfig
from serving.drift.drift_metrics import DriftMetrics
from serving.drift.figures import DriftFigures, judge
from serving.drift.replay import replay
from serving.metrics_server import MetricsServer
from serving.stop_request import StopRequest
from serving.universe import read_universe

GONE_AFTER = np.timedelta64(10, "D")

_log = logging.getLogger("marketcast.drift")


def watch_drift(config: DriftConfig, output: TextIO) -> int:
    """Compares until SIGTERM or SIGINT, or once; to be called from the main thread.

    Args:
      config: what is asked of whom.
      output: gets one JSON object of figures when it is once.
    Returns:
      Exit code 0.
    Raises:
      MarketcastError: the only round failed, or the metrics' port is taken.
    """
    metrics = DriftMetrics()
    if config.is_once:
        figures, version = run_round(config, metrics)
        json.dump({**_flatten(figures), contract.MODEL_VERSION: version}, output, indent=1)
        output.write("\n")
        return 0
    stop_request = StopRequest()
    stop_request.listen()
    if config.metrics_port is not None:
        server = MetricsServer(metrics, config.metrics_port, config.every_seconds)
        _log.info("metrics are told on port %d", server.port)
    while True:
        try:
            figures, version = run_round(config, metrics)
            _log.info("%s: %s", version, json.dumps(_flatten(figures)))
        except MarketcastError as error:
            _log.error("%s", error)
        if stop_request.wait(config.every_seconds):
            return 0


def run_round(config: DriftConfig, metrics: DriftMetrics) -> tuple[DriftFigures, str]:
    """Reads the bars, asks the server, and tells the figures to the metrics.

    Returns:
      The figures, and the version of the model that answered.
    Raises:
      MarketcastError: bars are missing or bad, or the server cannot be reached; it is counted.
    """
    try:
        universe = read_universe(config.source, config.validation, num_bars=contract.LOOKBACK + config.days)
        newest = max(columns[contract.DATE][-1] for columns in universe.bars.values())
        with connect(config.client) as client:
            past, version = replay(client, take_listed(universe.bars, newest), config.days)
    except (InputError, ConfigError, DatabaseError):
        metrics.observe_failure("bars")
        raise
    except ServingError:
        metrics.observe_failure("server")
        raise
    figures = judge(past)
    metrics.observe_round(figures, newest, version)
    return figures, version


def take_listed(bars: Mapping[str, Columns], newest: np.datetime64) -> dict[str, Columns]:
    """Tickers that had a bar lately; the forecasts of one that is gone would be those of another time."""
    oldest = newest - GONE_AFTER
    return {ticker: columns for ticker, columns in bars.items() if columns[contract.DATE][-1] >= oldest}


def _flatten(figures: DriftFigures) -> dict[str, float]:
    """Figures by name."""
    return {
        "forecasts": figures.num_forecasts,
        "dates": figures.num_dates,
        **{f"coverage_{band}": round(share, 4) for band, share in figures.coverage.items()},
        "coverage_t": round(figures.coverage_t, 2),
        "pinball_loss": round(figures.pinball, 6),
        "skill": round(figures.skill, 4),
    }
