"""What ends a command that goes on until it is told to stop."""

from __future__ import annotations

import queue
import signal

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Made by a signal or by another thread, awaited by the main thread.

    A signal's handler runs in the main thread, between any two instructions of its wait(). A threading.Event
    would hang there: its set() takes a lock that its wait() may hold just then. SimpleQueue.put() is made for
    such a call (docs.python.org, queue: "reentrant").
    """

    def __init__(self) -> None:
        self._reasons: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen(self) -> None:
        """From now on SIGTERM and SIGINT make the request; to be called from the main thread."""
        for number in STOP_SIGNALS:
            signal.signal(number, lambda number, _: self.make(signal.Signals(number).name))

    def make(self, reason: str) -> None:
        """Asks for the stop.

        Args:
          reason: what wait() gives back; of the signals their name, such as SIGTERM.
        """
        self._reasons.put(reason)

    def wait(self, timeout_seconds: float | None = None) -> str | None:
        """Sleeps until the request is made; one that was made earlier counts.

        Returns:
          The first reason that no wait() has returned; None when the time is over.
        """
        try:
            return self._reasons.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
