"""What `marketcast sync-models` does: rounds, once or again and again, until a signal.

Two syncs of one folder, such as those of two pods on a volume that many can write to, exclude each other by
a lock on the folder for as long as a round takes; the second then finds the work done. That wants a volume
whose locks hold between machines, as those of NFS 4 and CephFS do.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import time

from components.errors import ServingError
from serving.metrics_server import MetricsServer
from serving.model_sync.config import SyncConfig
from serving.model_sync.metrics import SyncMetrics
from serving.model_sync.problems import COSTLY_REASONS
from serving.model_sync.rounds import Outcome, Sync
from serving.model_sync.wanted import read_named_versions
from serving.stop_request import StopRequest

MAX_PAUSE_SECONDS = 120.0
"""Of a sync whose source cannot be reached, unless --every is longer."""
JITTER = 0.1
"""So that many pods do not come back to a source all at once."""
INTERRUPTED = 130
WORK_ENDED = "the end of the work"

_log = logging.getLogger("marketcast.sync")


def sync_models(config: SyncConfig) -> int:
    """Mirrors until SIGTERM or SIGINT, or for one round; to be called from the main thread.

    The work is done by a thread of its own, which a signal does not wait for: whatever moment a sync is
    stopped at, the next one goes on from there.

    Returns:
      Exit code: 0, or 130 where a signal ended the only round.
    Raises:
      ServingError: after the only round nothing can be served, or the metrics' port is taken.
    """
    stop_request = StopRequest()
    stop_request.listen()
    work = _Work(config, stop_request)
    if config.metrics_port is not None:
        server = MetricsServer(work.metrics, config.metrics_port, work.max_pause_seconds)
        _log.info("metrics are told on port %d", server.port)
    work.start()
    reason = stop_request.wait()
    if reason != WORK_ENDED:
        _log.info("stopped by %s", reason)
        # The thread may be deep in a request; it is left where it is.
        _leave(INTERRUPTED if config.is_once else 0)
    if work.error:
        raise work.error
    return 0


class _Work(threading.Thread):
    """The rounds. Ends by itself under --once only, and where there is a mistake of ours in the code."""

    def __init__(self, config: SyncConfig, stop_request: StopRequest) -> None:
        super().__init__(daemon=True, name="sync")
        self.metrics = SyncMetrics()
        self.max_pause_seconds = max(MAX_PAUSE_SECONDS, config.every_seconds) * (1 + JITTER)
        self.error: ServingError | None = None
        self._config = config
        self._stop_request = stop_request
        self._sync = Sync(config, self.metrics, read_named_versions)

    def run(self) -> None:
        try:
            self._run_rounds()
        except Exception as error:
            _log.exception("the sync must go on, got an error that nobody foresaw; report it")
            self.error = ServingError(
                f"the sync must go on, got {type(error).__name__}: {error}; report it with its log"
            )
        finally:
            self._stop_request.make(WORK_ENDED)

    def _run_rounds(self) -> None:
        outcome = self._sync.run_round()
        if self._config.is_once:
            self.error = _judge(self._config, outcome)
            return
        num_failed = 0
        while True:
            num_failed = num_failed + 1 if set(outcome.reasons) & set(COSTLY_REASONS) else 0
            time.sleep(choose_pause(self._config.every_seconds, num_failed, random.random()))
            outcome = self._sync.run_round()


def choose_pause(every_seconds: float, num_failed: int, chance: float) -> float:
    """Seconds until the next round: doubled by each failed round since the last good one.

    Args:
      every_seconds: without failures.
      num_failed: rounds in a row.
      chance: from 0 to 1.
    """
    longest = max(MAX_PAUSE_SECONDS, every_seconds)
    # No number of failures may overflow: 2 ** 20 is above every quotient of interest.
    pause = min(every_seconds * 2.0 ** min(num_failed, 20), longest)
    return pause * (1 + JITTER * chance) if num_failed else every_seconds


def _judge(config: SyncConfig, outcome: Outcome) -> ServingError | None:
    if outcome.whole:
        return None
    return ServingError(
        f"{config.target} must hold a version that can be served after a sync, got none; mend what is told "
        "above"
    )


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
