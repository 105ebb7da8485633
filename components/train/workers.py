"""This process's place among the workers that train one model, as the variable TF_CONFIG tells it."""

from __future__ import annotations

import dataclasses
import json
import socket
import time

from components.errors import ConfigError, MarketcastError

VARIABLE = "TF_CONFIG"
CHIEF = "chief"
WORKER = "worker"
START_TIMEOUT_SECONDS = 600.0
"""How long a worker waits for the others to come up: pods are scheduled one by one."""
_RETRY_SECONDS = 0.5
_EXAMPLE = '{"cluster": {"worker": ["host-0:2222", "host-1:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclasses.dataclass(frozen=True)
class Worker:
    """One worker of a cluster.

    Attributes:
      addresses: host:port of every worker, the chief first.
      index: of this one.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """This one exports the model."""
        return self.index == 0


def read_worker(tf_config: str) -> Worker:
    """Reads TF_CONFIG: a list of workers, perhaps a chief before them, and which of them this is.

    Args:
      tf_config: the variable's value; empty where it is not set.
    Raises:
      ConfigError: it is missing, no JSON, has other jobs, or its task is not in its cluster.
    Source: TensorFlow's guide "Distributed training", "Setting up the TF_CONFIG environment variable": worker
      0 is the chief where no job has that name.
    """
    if not tf_config:
        raise _refuse("be set for each worker where train.strategy is multi_worker", "nothing")
    try:
        config = json.loads(tf_config)
        jobs = {str(name): [str(address) for address in own] for name, own in config["cluster"].items()}
        _ = [_split(address) for own in jobs.values() for address in own]
        job, index = str(config["task"]["type"]), int(config["task"]["index"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refuse("be JSON with a task and a cluster of host:port addresses", repr(tf_config)) from error
    if others := sorted(set(jobs) - {CHIEF, WORKER}):
        raise _refuse(f"have the jobs {CHIEF} and {WORKER} alone", ", ".join(others))
    if not 0 <= index < len(jobs.get(job, [])):
        raise _refuse("name a task that is in its cluster", f"{job} {index}")
    addresses = (*jobs.get(CHIEF, []), *jobs.get(WORKER, []))
    return Worker(addresses, addresses.index(jobs[job][index]))


def meet(worker: Worker, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
    """Returns once every other worker is up: each listens where TensorFlow will, and knocks at the others.

    TensorFlow itself waits for an hour, and no signal but SIGKILL ends it then (seen with 2.16).

    Raises:
      MarketcastError: a worker did not come up in time, or this one's port is taken.
    """
    own = worker.addresses[worker.index]
    others = [address for address in worker.addresses if address != own]
    deadline = time.monotonic() + timeout_seconds
    try:
        listener = socket.create_server(("", _split(own)[1]))
    except OSError as error:
        raise MarketcastError(
            f"the port of this worker's address {own} must be free, got {error}; end what uses it, or "
            f"change {VARIABLE}"
        ) from error
    with listener:
        for address in others:
            while not _answers(address):
                if time.monotonic() > deadline:
                    raise MarketcastError(
                        f"worker {address} must come up within {timeout_seconds:.0f} s, got no answer; look "
                        "at its log, then start all workers again"
                    )
                time.sleep(_RETRY_SECONDS)


def _answers(address: str) -> bool:
    try:
        socket.create_connection(_split(address), timeout=2.0).close()
    except OSError:
        return False
    return True


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _refuse(expected: str, got: str) -> ConfigError:
    return ConfigError(
        f"{VARIABLE} must {expected}, got {got}; give each worker its own, such as {_EXAMPLE}, or set "
        "train.strategy to none"
    )
