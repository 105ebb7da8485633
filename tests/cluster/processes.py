"""Starts and stops the processes of the cluster."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence

from tests.cluster.layout import ClusterError, Layout

SECONDS_TO_STOP = 10


class Processes:
    """The running processes, by name, in the order in which they were started."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str]) -> None:
        """Starts one; what it says goes to a file of its name."""
        with (self.layout.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.layout.state
            )

    def wait(self, name: str, ready: Callable[[], bool], seconds: float = 120) -> None:
        """Waits until a process does its work.

        Raises:
          ClusterError: it ended, or is not ready in time; with the last line it said.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            ended = self.running[name].poll()
            if ended is not None or time.monotonic() > deadline:
                what = f"ended with {ended}" if ended is not None else f"was not ready in {seconds:.0f} s"
                raise ClusterError(f"{name} {what}; its last line: {self.last_line(name)}")
            time.sleep(0.1)

    def last_line(self, name: str) -> str:
        """What a process said last."""
        lines = (self.layout.logs / f"{name}.log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else "nothing"

    def stop(self, name: str) -> None:
        """Ends one, by force when it does not heed."""
        process = self.running.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def succeeds(command: Sequence[str]) -> bool:
    """Whether a command ends with 0 within ten seconds."""
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
