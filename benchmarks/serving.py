"""What a served forecast costs beside the model's own work in the same process, and how much a server bears.

    python -m benchmarks.serving                     latency, then load, then memory; some ten minutes
    python -m benchmarks.serving --quick             fewer calls, and no memory
    python -m benchmarks.serving --model-base-path DIR --json

Needs a pushed model (`make run`). Latency: one caller, calls in process, over gRPC and over REST by turns,
so that whatever else the machine does hits all three; medians. "In process" calls the SavedModel's signature
with arrays that are ready; a client's call begins with its caller's bars and ends with a forecast. Client and
server share this machine's cores.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import json
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.served_model import DEFAULT_BASE_PATH, Bars, ServerProcess, serve, simulate_bars
from components import contract
from components.push.publish import find_newest_version
from serving.bars import take_latest_bars
from serving.blocking_client import BlockingClient
from serving.connect import connect

UNIVERSES = {1: 400, 32: 200, 256: 40, 4096: 4}
"""Tickers -> timed calls of each way."""
CLIENTS = (1, 8, 64)
LOAD_SECONDS = 10.0
NUM_MEMORY_REQUESTS = 100_000
MEMORY_CLIENTS = 8
TIMEOUT_SECONDS = 120.0
WAYS = ("in process", "gRPC", "REST")


@dataclasses.dataclass(frozen=True)
class Latency:
    """Medians in milliseconds, and their ratios to the first way."""

    tickers: int
    milliseconds: dict[str, float]
    ratios: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Load:
    """What so many clients get, each asking for one ticker at a time."""

    clients: int
    requests_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float


def measure_latency(base_path: str, server: ServerProcess, share: float) -> Iterator[Latency]:
    """One row for each size of universe."""
    forecast = _load_in_process(base_path)
    with (
        connect(server.address, timeout_seconds=TIMEOUT_SECONDS) as grpc_client,
        connect(server.rest_address, timeout_seconds=TIMEOUT_SECONDS) as rest_client,
    ):
        for num_tickers, num_calls in UNIVERSES.items():
            bars = simulate_bars(num_tickers)
            calls = (forecast(bars), _ask(grpc_client, bars), _ask(rest_client, bars))
            seconds = _time_by_turns(calls, max(3, int(share * num_calls)))
            medians = {way: 1000 * statistics.median(of) for way, of in zip(WAYS, seconds, strict=True)}
            ratios = {way: median / medians[WAYS[0]] for way, median in medians.items()}
            yield Latency(num_tickers, medians, ratios)


def measure_load(server: ServerProcess, seconds: float) -> Iterator[Load]:
    """One row for each number of clients."""
    for num_clients in CLIENTS:
        start = time.perf_counter()
        stop_at = start + seconds
        taken = _ask_together(server, num_clients, lambda _, stop_at=stop_at: time.perf_counter() < stop_at)
        rate = len(taken) / (time.perf_counter() - start)
        yield Load(num_clients, rate, *(1000 * float(part) for part in np.percentile(taken, [50, 99])))


def measure_memory(server: ServerProcess, tell: Callable[[str], None]) -> list[float]:
    """Megabytes after each tenth of NUM_MEMORY_REQUESTS."""
    found = []
    share = NUM_MEMORY_REQUESTS // 10 // MEMORY_CLIENTS
    for tenth in range(10):
        _ask_together(server, MEMORY_CLIENTS, lambda num_calls: num_calls < share)
        found.append(server.memory_bytes() / 1e6)
        tell(f"{(tenth + 1) * share * MEMORY_CLIENTS} requests: {found[-1]:.0f} MB")
    return found


def _load_in_process(base_path: str) -> Callable[[Bars], Callable[[], object]]:
    """bars -> a call of the model on them."""
    import tensorflow as tf

    version = find_newest_version(base_path)
    if version is None:
        sys.exit(f"error: {base_path} must hold a pushed model, got none; run `make run`")
    model = tf.saved_model.load(str(pathlib.Path(base_path, str(version))))
    signature = model.signatures[contract.FORECAST_SIGNATURE]

    def prepare(bars: Bars) -> Callable[[], object]:
        latest = take_latest_bars(bars)
        names = [ticker.encode() for ticker in latest.tickers]

        def call() -> object:
            inputs = {name: tf.constant(column) for name, column in latest.columns.items()}
            outputs = signature(**{contract.TICKER: tf.constant(names)}, **inputs)
            return {name: output.numpy() for name, output in outputs.items()}, model

        return call

    return prepare


def _ask(client: BlockingClient, bars: Bars) -> Callable[[], object]:
    return lambda: client.forecast(bars)


def _time_by_turns(calls: tuple[Callable[[], object], ...], num_calls: int) -> list[list[float]]:
    """Seconds of each call, by way."""
    seconds: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(num_calls):
        for call, taken in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return seconds


def _ask_together(server: ServerProcess, num_clients: int, goes_on: Callable[[int], bool]) -> list[float]:
    """Seconds of each call of all clients."""
    with concurrent.futures.ThreadPoolExecutor(num_clients) as pool:
        asking = [pool.submit(_ask_while, server, goes_on) for _ in range(num_clients)]
        return [seconds for client in asking for seconds in client.result()]


def _ask_while(server: ServerProcess, goes_on: Callable[[int], bool]) -> list[float]:
    """Seconds of each call of one client, while it goes on (number of calls so far)."""
    bars = simulate_bars(1)
    taken: list[float] = []
    with connect(server.address, timeout_seconds=TIMEOUT_SECONDS) as client:
        while goes_on(len(taken)):
            start = time.perf_counter()
            client.forecast(bars)
            taken.append(time.perf_counter() - start)
    return taken


def main() -> None:
    """Prints the figures, for people or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving")
    parser.add_argument("--model-base-path", default=DEFAULT_BASE_PATH)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    def tell(line: str) -> None:
        print(line, file=sys.stderr if options.json else sys.stdout, flush=True)

    with serve(options.model_base_path) as server:
        tell(f"{'tickers':>8}" + "".join(f"{way:>22}" for way in WAYS))
        latencies = []
        for row in measure_latency(options.model_base_path, server, 0.2 if options.quick else 1.0):
            cells = (f"{row.milliseconds[way]:>13.2f} ms {row.ratios[way]:>4.2f}x" for way in WAYS)
            tell(f"{row.tickers:>8}" + "".join(cells))
            latencies.append(row)
        tell(f"{'clients':>8}{'forecasts/s':>22}{'p50 ms':>22}{'p99 ms':>22}")
        loads = []
        for load in measure_load(server, 2.0 if options.quick else LOAD_SECONDS):
            figures = (load.requests_per_second, load.p50_milliseconds, load.p99_milliseconds)
            tell(f"{load.clients:>8}" + "".join(f"{figure:>22.1f}" for figure in figures))
            loads.append(load)
        memory = [] if options.quick else measure_memory(server, tell)
    if options.json:
        found = {"latency": latencies, "load": loads}
        rows = {name: [dataclasses.asdict(row) for row in of] for name, of in found.items()}
        print(json.dumps({**rows, "memory_megabytes": memory}))


if __name__ == "__main__":
    main()
