"""What the sync counts, in Prometheus' text format."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from serving.model_sync.problems import REASONS

PREFIX = "marketcast_sync_"
STUCK_SECONDS = 600.0
"""Above every pause and every wait for an answer: a sync that is silent for so long hangs."""

_TABLE = (
    ("last_success_timestamp_seconds", "gauge", "When the last round without a failure ended."),
    ("last_round_timestamp_seconds", "gauge", "When the last round ended, well or not."),
    ("versions", "gauge", "Whole versions in the target."),
    ("newest_version", "gauge", "The newest whole version in the target, 0 for none."),
    ("source_versions", "gauge", "Versions in the source, half-pushed ones included, at the last look."),
    ("source_newest_version", "gauge", "The newest of them, 0 for none."),
    ("incomplete_versions", "gauge", "Wanted versions whose push has not ended."),
    ("fetched_bytes_total", "counter", "Bytes read from the source."),
    ("deleted_versions_total", "counter", "Versions taken out of the target."),
    ("failures_total", "counter", "Problems of rounds, by reason."),
)
"""Name without the prefix, type, help."""


class SyncMetrics:
    """Gauges and counters; the sync sets them, the metrics' port reads them."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Everything is 0, and the sync has just given a sign of life."""
        self._lock = threading.Lock()
        self._clock = clock
        self._values = {name: 0.0 for name, _, _ in _TABLE}
        self._failures = dict.fromkeys(REASONS, 0)
        self._beat = time.monotonic()

    def beat(self) -> None:
        """The sync is alive."""
        self._beat = time.monotonic()

    def is_alive(self, pause_seconds: float) -> bool:
        """Whether the sync gave a sign of life, pauses of this length being normal."""
        return time.monotonic() - self._beat < STUCK_SECONDS + pause_seconds

    def observe_bytes(self, num_bytes: int) -> None:
        """Bytes came from the source."""
        self.beat()
        with self._lock:
            self._values["fetched_bytes_total"] += num_bytes

    def observe_deletion(self) -> None:
        """A version was deleted."""
        with self._lock:
            self._values["deleted_versions_total"] += 1

    def observe_source(self, versions: Sequence[int]) -> None:
        """These versions are in the source."""
        with self._lock:
            self._values["source_versions"] = len(versions)
            self._values["source_newest_version"] = max(versions, default=0)

    def observe_round(self, whole: Sequence[int], reasons: Sequence[str], num_incomplete: int) -> None:
        """A round has ended.

        Args:
          whole: versions in the target that can be served.
          reasons: of its failures; a round without any is a success.
          num_incomplete: versions whose push has not ended.
        """
        self.beat()
        with self._lock:
            now = self._clock()
            self._values["last_round_timestamp_seconds"] = now
            if not reasons:
                self._values["last_success_timestamp_seconds"] = now
            self._values["versions"] = len(whole)
            self._values["newest_version"] = max(whole, default=0)
            self._values["incomplete_versions"] = num_incomplete
            for reason in reasons:
                self._failures[reason] += 1

    def format(self) -> str:
        """Everything, in Prometheus' text format."""
        with self._lock:
            lines = [line for row in _TABLE for line in self._format(*row)]
        return "".join(f"{line}\n" for line in lines)

    def _format(self, name: str, kind: str, text: str) -> list[str]:
        head = [f"# HELP {PREFIX}{name} {text}", f"# TYPE {PREFIX}{name} {kind}"]
        if name == "failures_total":
            values = [f'{PREFIX}{name}{{reason="{one}"}} {n}' for one, n in self._failures.items()]
        else:
            values = [f"{PREFIX}{name} {self._values[name]:.17g}"]
        return head + values
