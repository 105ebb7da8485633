"""What the benchmarks of serving share: bars to ask with, and a server process whose memory can be read."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from components import contract

DEFAULT_BASE_PATH = f"models/{contract.MODEL_NAME}"
Bars = dict[str, dict[str, np.ndarray]]


def simulate_bars(num_tickers: int, seed: int = 0) -> Bars:
    """Just enough bars of each ticker: random walks, columns by name."""
    chance = np.random.default_rng(seed)
    steps = chance.normal(0.0, 0.01, (num_tickers, contract.LOOKBACK))
    close = 100.0 * np.exp(np.cumsum(steps, axis=1))
    high, low = close * 1.01, close * 0.99
    volume = chance.uniform(1e6, 2e6, close.shape)
    columns = dict(zip(contract.BAR_COLUMNS, (close, high, low, close, close, volume), strict=True))
    return {
        f"T{number:04d}": {name: column[number] for name, column in columns.items()}
        for number in range(num_tickers)
    }


@dataclasses.dataclass(frozen=True)
class ServerProcess:
    """An embedded server of its own process."""

    pid: int
    address: str
    rest_address: str

    def memory_bytes(self) -> int:
        """Resident now."""
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@contextlib.contextmanager
def serve(base_path: str, **flags: Any) -> Iterator[ServerProcess]:
    """Runs a server, over gRPC and REST, until the end of the `with`; its log goes to standard error."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        rest_port = free.getsockname()[1]
    given = {"port": 0, "rest_api_port": rest_port, "model_base_path": base_path, **flags}
    arguments = [f"--{name}={value}" for name, value in given.items()]
    command = [sys.executable, "-m", "serving.server", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        started = json.loads(process.stdout.readline() if process.stdout else "{}")
        yield ServerProcess(process.pid, started["address"], f"http://{started['rest_address']}")
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()
