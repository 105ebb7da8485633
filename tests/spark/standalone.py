"""A real Spark on this machine: a standalone master and workers, each a process, all ended at the end."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pyspark

SPARK_HOME = pathlib.Path(pyspark.__path__[0])
WAIT_SECONDS = 90.0
T = TypeVar("T")


def wait_for(find: Callable[[], T | None], what: str) -> T:
    """Asks again and again until there is something."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError):  # Nobody listens yet, or answers that he starts.
            if found := find():
                return found
        time.sleep(0.05)
    raise TimeoutError(f"{what}: nothing after {WAIT_SECONDS:.0f} s")


def read_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


@dataclasses.dataclass(frozen=True)
class Daemon:
    """A master or worker, the first of its own group of processes.

    Attributes:
      process: the Java process.
      folder: it works in; `log` is what it prints.
    """

    process: subprocess.Popen[bytes]
    folder: pathlib.Path

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the process and all that it started."""
        os.killpg(self.process.pid, number)

    def find(self, pattern: str) -> str | None:
        found = re.search(pattern, (self.folder / "log").read_text())
        return found[1] if found else None


@dataclasses.dataclass(frozen=True)
class Spark:
    """A running standalone Spark: where programs send their jobs, and its workers."""

    url: str
    workers: list[Daemon]

    def worker_of(self, application: str, executor: str) -> Daemon:
        """The worker that runs an executor."""
        return next(worker for worker in self.workers if (worker.folder / application / executor).is_dir())


@contextlib.contextmanager
def run_spark(folder: pathlib.Path, num_workers: int) -> Iterator[Spark]:
    """Starts a master and workers of one core each, and waits until they know each other."""
    with contextlib.ExitStack() as daemons:
        master = daemons.enter_context(_run_daemon(folder / "master", "master.Master", []))
        url = wait_for(lambda: master.find(r"Starting Spark master at (spark://\S+)"), "the master")
        page = wait_for(lambda: master.find(r"MasterWebUI to .* at (http://\S+)"), "the master's page")
        options = ["--cores", "1", "--memory", "1g", url]
        workers = [
            daemons.enter_context(_run_daemon(folder / f"worker{index}", "worker.Worker", options))
            for index in range(num_workers)
        ]
        wait_for(lambda: read_json(f"{page}/json")["aliveworkers"] == num_workers, "the workers")
        yield Spark(url, workers)


@contextlib.contextmanager
def _run_daemon(folder: pathlib.Path, name: str, options: list[str]) -> Iterator[Daemon]:
    folder.mkdir(parents=True)
    if name.startswith("worker"):
        options = ["--work-dir", str(folder), *options]
    command = [str(SPARK_HOME / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}"]
    addresses = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
    # No PYTHONPATH: executors have only the code that the program sends them.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
    }
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*command, *addresses, *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        yield Daemon(process, folder)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
