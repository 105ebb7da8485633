"""A server in a process of its own, whose memory and log can be looked at."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

from tests.conftest import ROOT


@dataclasses.dataclass(frozen=True)
class ServerProcess:
    """What the server said when it answered, and where its log goes."""

    process: subprocess.Popen[str]
    port: int
    rest_port: int
    log: pathlib.Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def memory_bytes(self) -> int:
        """Resident now."""
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@contextlib.contextmanager
def running(base_path: pathlib.Path, log: pathlib.Path, **flags):
    """The server's process, until the end of the `with`; it must not have failed by then."""
    given = {"port": 0, "model_base_path": base_path, **flags}
    command = [
        sys.executable,
        "-m",
        "serving.server",
        *(f"--{name}={value}" for name, value in given.items()),
    ]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            started = json.loads(process.stdout.readline())
            yield ServerProcess(process, started["port"], started["rest_port"], log)
            assert not process.poll(), log.read_text()
        finally:
            process.terminate()
            process.communicate()
