"""What the ingest costs, from one million bars on: CPU, wall time and peak memory of each stage.

python -m benchmarks.ingest_scale                         1 and 5 million bars, on the local engine
python -m benchmarks.ingest_scale 1 5 20 50               millions of bars
python -m benchmarks.ingest_scale 1 --layouts             and of one CSV file, and of a thousand files
python -m benchmarks.ingest_scale 20 --spark              and on Spark, one worker against two

Each stage runs in a process of its own. The exponent of cost against size is that of CPU seconds, the start
of Python taken off; wall time, and so the gain of a second worker, says something on an idle machine only.
Universes are kept in run/benchmark and used again. For 50 million bars 10 GB of disk are needed.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import pickle
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.bar_layouts import LAYOUTS, make_layout
from benchmarks.synthetic_bars import simulate_tables, write_universe
from components.ingest import local_engine, sources
from components.ingest.bars import ValidationConfig
from components.ingest.chunk_job import plan_job
from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import SourceConfig

NUM_DAYS = 5000
SEED = 1
STAGES = ("start", "fingerprint", "read and check", "cut and write")
WHOLE = "marketcast ingest"
VALIDATION = {"unadjusted_split": "quarantine"}
CHUNKS = {"eval_start": "2015-01-01", "test_start": "2017-01-01"}
WORKER_MB = 2048
NOTES_FILE = "notes"
"""In the job's folder: what one stage leaves to the next, besides rows."""


# A process starts with the peak of who started it: so that must be a small one.
LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
print(json.dumps([usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 1024]))
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Cost(NamedTuple):
    """What a process took."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


def run_stage(stage: str, bars: str, folder: str) -> None:
    """Runs one stage in this process; `cut and write` wants what `read and check` has left in the folder."""
    source = SourceConfig(bars, "")
    job, files = plan_job(source, ValidationConfig(**VALIDATION), ChunkConfig(**CHUNKS), folder)
    if stage == "fingerprint":
        sources.fingerprint(source)
    elif stage == "read and check":
        (pathlib.Path(folder) / NOTES_FILE).write_bytes(pickle.dumps(local_engine.read_files(job, files)))
    elif stage == "cut and write":
        local_engine.write_files(job, pickle.loads((pathlib.Path(folder) / NOTES_FILE).read_bytes()))


def measure(command: Sequence[str]) -> Cost:
    """Runs a command and returns what it and its children took; it must end well."""
    launcher = [sys.executable, "-S", "-c", LAUNCHER, sys.executable, "-W", "ignore", *command]
    ended = subprocess.run(launcher, stdout=subprocess.PIPE, text=True, check=True)
    return Cost(*json.loads(ended.stdout.splitlines()[-1]))


def measure_local(bars: pathlib.Path, work: pathlib.Path) -> dict[str, Cost]:
    """Measures each stage, and the command that does them all."""
    costs = {}
    (work / "job").mkdir()
    for stage in STAGES:
        program = ["-m", "benchmarks.ingest_scale", "--stage", stage, str(bars), str(work / "job")]
        costs[stage] = measure(program)
    shutil.rmtree(work / "job")
    costs[WHOLE] = measure_command(bars, work)
    return costs


def measure_command(
    bars: pathlib.Path, work: pathlib.Path, *engine: str, chunks: Mapping[str, str] = CHUNKS
) -> Cost:
    """Measures the command on an engine."""
    settings = {"source.path": str(bars), "source.metadata_path": "''"}
    settings |= {f"validation.{key}": value for key, value in VALIDATION.items()}
    settings |= {f"chunks.{key}": value for key, value in chunks.items()}
    flags = [f"--set={key}={value}" for key, value in settings.items()]
    cost = measure(["-m", "pipeline.cli", "ingest", "--chunks", str(work / "chunks"), *flags, *engine])
    shutil.rmtree(work / "chunks")
    return cost


def measure_layouts(num_bars: int, root: pathlib.Path, work: pathlib.Path) -> dict[str, Cost]:
    """Measures the command on the same number of bars in other files."""
    costs = {}
    for title, layout in LAYOUTS.items():
        bars = make_layout(title, num_bars, SEED, root)
        costs[title] = measure_command(bars, work, chunks=layout.chunks)
    return costs


def measure_spark(bars: pathlib.Path, work: pathlib.Path) -> dict[str, Cost]:
    """Measures the command on a Spark of one worker and of two, each of one core."""
    costs = {}
    for num_workers in (1, 2):
        master = f"local-cluster[{num_workers},1,{WORKER_MB}]"
        title = f"Spark, workers: {num_workers}"
        costs[title] = measure_command(bars, work, "--engine", "spark", "--spark-master", master)
    return costs


def make_universe(millions: float, root: pathlib.Path) -> tuple[pathlib.Path, int]:
    """Returns the folder of a universe, made where it is not there, and its number of bars."""
    num_tickers = round(millions * 1e6 / NUM_DAYS)
    folder = root / f"{num_tickers}-tickers"
    if not folder.exists():
        unfinished = root / f"{folder.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_universe(unfinished, simulate_tables(num_tickers, NUM_DAYS, SEED, by_days=False))
        unfinished.rename(folder)
    return folder, num_tickers * NUM_DAYS


def fit_exponent(costs: Mapping[int, Mapping[str, Cost]], title: str) -> float:
    """Returns the exponent of CPU seconds against bars, the start of Python taken off: 1 is linear."""
    sizes = sorted(costs)
    seconds = [costs[size][title].cpu_seconds - costs[size]["start"].cpu_seconds for size in sizes]
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def print_costs(costs: Mapping[int, Mapping[str, Cost]]) -> None:
    """Prints a table, and the exponents where there are several sizes."""
    for num_bars, stages in costs.items():
        print(f"\n{num_bars:,} bars {'':12}CPU s   us a bar    wall s   peak MB")
        for title, cost in stages.items():
            micros = 1e6 * cost.cpu_seconds / num_bars
            print(f"  {title:<22}{cost.cpu_seconds:8.1f} {micros:10.3f} {cost.wall_seconds:9.1f} ", end="")
            print(f"{cost.peak_mb:9.0f}")
    if len(costs) > 1:
        for title in ("read and check", "cut and write", WHOLE):
            print(f"exponent of {title}: {fit_exponent(costs, title):.3f}")


def main() -> None:
    """Measures, prints, and leaves the figures in run/benchmark/ingest_scale.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("millions", type=float, nargs="*", default=[1.0, 5.0])
    parser.add_argument("--layouts", action="store_true")
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("run/benchmark").resolve())
    given = parser.parse_args()
    costs: dict[int, dict[str, Cost]] = {}
    for millions in given.millions:
        bars, num_bars = make_universe(millions, given.root)
        work = given.root / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        costs[num_bars] = measure_local(bars, work)
        if given.layouts:
            costs[num_bars] |= measure_layouts(num_bars, given.root, work)
        if given.spark:
            costs[num_bars] |= measure_spark(bars, work)
        print_costs({num_bars: costs[num_bars]})
    print_costs(costs)
    (given.root / "ingest_scale.json").write_text(json.dumps(costs, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        run_stage(*sys.argv[2:])
    else:
        main()
