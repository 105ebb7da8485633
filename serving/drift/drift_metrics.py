"""What the watch counts, in Prometheus' text format."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from serving.drift.figures import BANDS, DriftFigures

PREFIX = "marketcast_drift_"
STUCK_SECONDS = 1800.0
"""Above every round: a watch that is silent for so long hangs."""
REASONS = ("bars", "server")
"""Of failures: bad or missing bars; a server that cannot be reached or refuses."""
_SECONDS = np.timedelta64(1, "s")

_TABLE = (
    ("last_success_timestamp_seconds", "When the last round without a failure ended."),
    ("newest_bar_timestamp_seconds", "The day of the newest bar, at midnight UTC."),
    ("forecasts", "Past forecasts that were compared with what came."),
    ("dates", "Days on which they were made."),
    (
        "coverage_t",
        "Coverage of the 90 % band less 0.9, in standard errors; below 0: too narrow.",
    ),
    ("pinball_loss", "Mean pinball loss of one day's log return."),
    ("skill_ratio", "Share by which that is below that of RiskMetrics' EWMA on the same days."),
)
"""Gauges: name without the prefix, help."""


class DriftMetrics:
    """Gauges and counters; the watch sets them, the metrics' port reads them."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """No figure is told until the first round has ended well."""
        self._lock = threading.Lock()
        self._clock = clock
        self._values: dict[str, float] = {}
        self._coverage: dict[int, float] = {}
        self._version = ""
        self._failures = dict.fromkeys(REASONS, 0)
        self._beat = time.monotonic()

    def is_alive(self, pause_seconds: float) -> bool:
        """Whether a round ended lately, pauses of this length being normal."""
        return time.monotonic() - self._beat < STUCK_SECONDS + pause_seconds

    def observe_round(self, figures: DriftFigures, newest_bar: np.datetime64, version: str) -> None:
        """A round has ended well."""
        self._beat = time.monotonic()
        with self._lock:
            self._coverage, self._version = figures.coverage, version
            self._values = {
                "last_success_timestamp_seconds": self._clock(),
                "newest_bar_timestamp_seconds": float((newest_bar - np.datetime64(0, "D")) / _SECONDS),
                "forecasts": figures.num_forecasts,
                "dates": figures.num_dates,
                "coverage_t": figures.coverage_t,
                "pinball_loss": figures.pinball,
                "skill_ratio": figures.skill,
            }

    def observe_failure(self, reason: str) -> None:
        """A round has failed; the figures of the last good one stay."""
        self._beat = time.monotonic()
        with self._lock:
            self._failures[reason] += 1

    def format(self) -> str:
        """Everything, in Prometheus' text format."""
        with self._lock:
            lines = [f"# TYPE {PREFIX}failures_total counter"]
            lines += [f'{PREFIX}failures_total{{reason="{one}"}} {n}' for one, n in self._failures.items()]
            for name, text in _TABLE:
                if name in self._values:
                    lines += [f"# HELP {PREFIX}{name} {text}", f"# TYPE {PREFIX}{name} gauge"]
                    lines.append(f"{PREFIX}{name} {self._values[name]:.17g}")
            if self._coverage:
                lines.append(f"# TYPE {PREFIX}coverage_ratio gauge")
                lines += [
                    f'{PREFIX}coverage_ratio{{band="{band}"}} {self._coverage[band]:.17g}' for band in BANDS
                ]
                lines.append(f"# TYPE {PREFIX}model_info gauge")
                lines.append(f'{PREFIX}model_info{{model_version="{self._version}"}} 1')
        return "".join(f"{line}\n" for line in lines)
