"""Whether a new version of the model ever costs a request: swaps while clients ask without a pause.

    python -m benchmarks.hot_swaps                   20 swaps, at least 100,000 requests; some ten minutes
    python -m benchmarks.hot_swaps --requests 2000 --swaps 3

Needs a pushed model (`make run`); with several versions under the base path it swaps between them. Each
answer is compared with what its version answered before the load, number by number. Exit code 1 if one is
wrong, or a request failed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

from benchmarks.served_model import DEFAULT_BASE_PATH, Bars, ServerProcess, serve, simulate_bars
from components import contract
from components.errors import MarketcastError
from components.push import publish
from serving.client import ForecastClient
from serving.forecast import Forecast

NUM_CLIENTS = 8
TIMEOUT_SECONDS = 120.0
BARS: Bars = simulate_bars(1)
Numbers = tuple[str, bytes]
"""What tells one model's answer from another's: its name and its prices."""


class Tally:
    """What the clients met, counted; safe between threads."""

    def __init__(self, first: Numbers) -> None:
        """Starts with what version 1 answers."""
        self.expected = {1: first}
        self.stopping = threading.Event()
        self.answered = self.failed = self.wrong = 0
        self.seen: set[int] = set()
        self._lock = threading.Lock()

    def ask_on(self, address: str) -> None:
        """Asks until the end."""
        with ForecastClient(address, timeout_seconds=TIMEOUT_SECONDS, max_attempts=1) as client:
            while not self.stopping.is_set():
                try:
                    answer = client.forecast(BARS)
                except MarketcastError as error:
                    print(f"failed: {error}", file=sys.stderr)
                    with self._lock:
                        self.failed += 1
                    continue
                with self._lock:
                    self.answered += 1
                    self.wrong += self.expected[answer.served_version] != _take_numbers(answer)
                    self.seen.add(answer.served_version)


def measure_swaps(sources: list[pathlib.Path], num_swaps: int, num_requests: int) -> Tally:
    """Pushes copies of the sources by turns as versions 2, 3, ... while clients ask.

    Args:
      sources: folders of pushed versions.
      num_swaps: how many.
      num_requests: answers to be had in all, at least.
    Returns:
      What the clients met.
    """
    numbers = [_ask_alone(source) for source in sources]
    by_turns = itertools.cycle(list(zip(sources, numbers, strict=True)))
    with tempfile.TemporaryDirectory() as folder:
        base_path = pathlib.Path(folder, contract.MODEL_NAME)
        _push(next(by_turns)[0], base_path, 1)
        tally = Tally(numbers[0])
        with serve(str(base_path), file_system_poll_wait_seconds=0.2) as server, _asking(server, tally):
            for swap in range(1, num_swaps + 1):
                while tally.answered < num_requests * swap / (num_swaps + 1):
                    time.sleep(0.05)
                source, expected = next(by_turns)
                tally.expected[swap + 1] = expected
                _push(source, base_path, swap + 1)
                _await(server, swap + 1)
                shutil.rmtree(base_path / str(swap))
                print(
                    f"swap {swap}: {tally.answered} answers, {tally.failed} failed, {tally.wrong} wrong",
                    flush=True,
                )
            while tally.answered < num_requests:
                time.sleep(0.05)
    return tally


@contextlib.contextmanager
def _asking(server: ServerProcess, tally: Tally) -> Iterator[None]:
    with concurrent.futures.ThreadPoolExecutor(NUM_CLIENTS) as pool:
        clients = [pool.submit(tally.ask_on, server.address) for _ in range(NUM_CLIENTS)]
        try:
            yield
        finally:
            tally.stopping.set()
        for client in clients:
            client.result()


def _ask_alone(source: pathlib.Path) -> Numbers:
    """The answer of a version that is served alone."""
    with tempfile.TemporaryDirectory() as folder:
        base_path = pathlib.Path(folder, contract.MODEL_NAME)
        _push(source, base_path, 1)
        with serve(str(base_path)) as server, ForecastClient(server.address) as client:
            return _take_numbers(client.forecast(BARS))


def _take_numbers(answer: Forecast) -> Numbers:
    return answer.model_version, answer.price_quantiles.tobytes()


def _push(source: pathlib.Path, base_path: pathlib.Path, version: int) -> None:
    """Lets a version appear at once, as the Pusher does."""
    staged = base_path / f".{version}"
    shutil.copytree(source, staged)
    os.rename(staged, base_path / str(version))


def _await(server: ServerProcess, version: int) -> None:
    with ForecastClient(server.address, version=version) as client:
        client.wait_until_available(TIMEOUT_SECONDS)


def main() -> None:
    """Prints the tally after each swap; exit code 1 if a request failed or an answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hot_swaps")
    parser.add_argument("--model-base-path", default=DEFAULT_BASE_PATH)
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--requests", type=int, default=100_000)
    options = parser.parse_args()
    versions = publish.list_versions(options.model_base_path)
    if not versions:
        sys.exit(f"error: {options.model_base_path} must hold a pushed model, got none; run `make run`")
    sources = [pathlib.Path(options.model_base_path, str(version)) for version in versions]
    tally = measure_swaps(sources, options.swaps, options.requests)
    print(
        f"{options.swaps} swaps between {len(sources)} models, {len(tally.seen)} versions answered: "
        f"{tally.answered} answers, {tally.failed} failed, {tally.wrong} wrong"
    )
    sys.exit(1 if tally.failed or tally.wrong else 0)


if __name__ == "__main__":
    main()
