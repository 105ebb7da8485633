"""What a day's bars cost a lake of ten years, against making the lake.

python -m benchmarks.daily_update [FOLDER]: synthetic bars as Parquet into a lake in FOLDER (a temporary one
if none is given); prints medians.
"""

from __future__ import annotations

import pathlib
import shutil
import statistics
import sys
import tempfile
import time

import numpy as np
import pandas as pd

from components import contract
from components.ingest.bars import ValidationConfig
from components.ingest.source_config import SourceConfig
from pipeline.run_ingest import IngestOptions, ingest

NUM_TICKERS = 500
NUM_DAYS = 2520
NUM_APPENDS = 9
NUM_FULL = 3
FIRST_DAY = "2014-01-02"
SEED = 1


def simulate_bars(num_days: int) -> pd.DataFrame:
    """Random walks of all tickers on the same business days, sorted by day."""
    rng = np.random.default_rng(SEED)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (num_days, NUM_TICKERS)), axis=0)).ravel()
    days = np.busday_offset(FIRST_DAY, np.arange(num_days), "forward").astype(str)
    columns = {
        contract.TICKER: np.tile([f"T{number:04d}" for number in range(NUM_TICKERS)], num_days),
        contract.DATE: np.repeat(days, NUM_TICKERS),
        contract.OPEN: close,
        contract.HIGH: close * 1.01,
        contract.LOW: close * 0.99,
        contract.CLOSE: close,
        contract.ADJ_CLOSE: close / 2.0,
        contract.VOLUME: rng.integers(1_000, 1_000_000, len(close)).astype(np.float64),
    }
    return pd.DataFrame(columns)


def main() -> None:
    """Makes the bars and measures."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        _measure(pathlib.Path(folder))


def _measure(folder: pathlib.Path) -> None:
    bars = simulate_bars(NUM_DAYS + NUM_APPENDS)
    num_old = NUM_DAYS * NUM_TICKERS
    bars[:num_old].to_parquet(folder / "old.parquet", index=False)
    full = []
    for _ in range(NUM_FULL):
        shutil.rmtree(folder / "lake", ignore_errors=True)
        full.append(_take_in(folder, "old.parquet", num_old))
    appends = []
    for number in range(NUM_APPENDS):
        start = num_old + number * NUM_TICKERS
        bars[start : start + NUM_TICKERS].to_parquet(folder / "day.parquet", index=False)
        appends.append(_take_in(folder, "day.parquet", NUM_TICKERS))
    for kind, clock in enumerate(("wall", "CPU")):
        whole, day = (statistics.median(one[kind] for one in runs) for runs in (full, appends))
        print(f"{clock}: full ingest of {num_old:,} bars {whole:.2f} s, {1e6 * whole / num_old:.2f} us a bar")
        print(f"{clock}: append of a day of {NUM_TICKERS} tickers {day:.3f} s, {day / whole:.1%} of that")


def _take_in(folder: pathlib.Path, file: str, expected: int) -> tuple[float, float]:
    """Seconds of an ingest in this process, by the wall's clock and the processor's."""
    asked = IngestOptions(str(folder / "lake"), SourceConfig(str(folder / file), ""), ValidationConfig())
    start, cpu_start = time.perf_counter(), time.process_time()
    told = ingest(asked)
    seconds = time.perf_counter() - start, time.process_time() - cpu_start
    if told["added"] != expected:
        raise RuntimeError(f"an ingest must add {expected:,} bars, got {told['added']:,}; see {file}")
    return seconds


if __name__ == "__main__":
    main()
