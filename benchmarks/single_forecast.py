"""What one forecast costs on one core, in process: the SavedModel alone, without any server.

    python -m benchmarks.single_forecast             5 rounds of 300 calls; the median of each round

Needs a pushed model (`make run`). Machines that are shared change their speed from minute to minute; beside
each round stands the time of a fixed sum in Python in that round, so that rounds can be told apart.
"""

from __future__ import annotations

import os
import pathlib
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.served_model import DEFAULT_BASE_PATH, simulate_bars
from components import contract
from components.push.publish import find_newest_version
from serving.bars import take_latest_bars

ROUNDS = 5
CALLS = 300
REFERENCE = range(100_000)


def measure(call: Callable[[], object], num_calls: int) -> float:
    """Median milliseconds of a call."""
    seconds = []
    for _ in range(num_calls):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def load_forecast(base_path: str) -> Callable[[], object]:
    """A call of the newest version's signature with the bars of one ticker."""
    import tensorflow as tf

    version = find_newest_version(base_path)
    if version is None:
        sys.exit(f"error: {base_path} must hold a pushed model, got none; run `make run`")
    model = tf.saved_model.load(str(pathlib.Path(base_path, str(version))))
    latest = take_latest_bars(simulate_bars(1))
    names = np.array([ticker.encode() for ticker in latest.tickers])
    inputs = {name: tf.constant(column) for name, column in latest.columns.items()}
    signature = model.signatures[contract.FORECAST_SIGNATURE]
    return lambda: (signature(**{contract.TICKER: tf.constant(names)}, **inputs), model)


def main() -> None:
    """Prints a line a round."""
    # Before TensorFlow makes its threads.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    forecast = load_forecast(DEFAULT_BASE_PATH)
    measure(forecast, 20)
    for number in range(1, ROUNDS + 1):
        reference = measure(lambda: sum(REFERENCE), 20)
        print(f"round {number}: {measure(forecast, CALLS):.2f} ms; the sum {reference:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
