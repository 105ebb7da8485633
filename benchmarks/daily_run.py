"""What a run costs after a new day, against the first run: ten years of 500 tickers in a lake.

python -m benchmarks.daily_run [FOLDER]: synthetic bars in a lake in FOLDER (a temporary one if none is
given), `marketcast run` as it is shipped but for the splits' dates, a day's bars, and `marketcast run` again.
Prints CPU and wall seconds of both and the wall seconds of each component; a wall says something on an idle
machine only.
The bars are random walks, so the gate refuses the model: that costs the same.
"""

from __future__ import annotations

import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from benchmarks.daily_update import NUM_DAYS, NUM_TICKERS, simulate_bars

SPLITS = {"chunks.eval_start": "2020-01-01", "chunks.test_start": "2022-01-01"}
NO_SECTORS = "--set=source.metadata_path=''"
ENDINGS = (0, 3)
"""Exit codes of a run that came to a verdict."""


class Cost(NamedTuple):
    """What a run took, and the wall seconds of its components."""

    cpu_seconds: float
    wall_seconds: float
    components: dict[str, float]


def main() -> None:
    """Makes the lake and measures."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        _measure(pathlib.Path(folder))


def _measure(folder: pathlib.Path) -> None:
    bars = simulate_bars(NUM_DAYS + 1)
    num_old = NUM_DAYS * NUM_TICKERS
    for name, rows in (("old", bars[:num_old]), ("day", bars[num_old:])):
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    costs = []
    for name in ("old", "day"):
        path = f"--set=source.path={folder / name}.parquet"
        _call("ingest", "--lake", str(folder / "lake"), path, NO_SECTORS)
        costs.append(_run(folder))
    first, second = costs
    print(f"{'seconds':<18}{'first run':>11}{'after a day':>13}")
    for name in first.components:
        print(f"  {name:<16}{first.components[name]:11.1f}{second.components.get(name, 0.0):13.1f}")
    for title, one, other in (
        ("wall", first.wall_seconds, second.wall_seconds),
        ("CPU", first.cpu_seconds, second.cpu_seconds),
    ):
        print(f"{title:<18}{one:11.1f}{other:13.1f}   {other / one:.0%}")


def _run(folder: pathlib.Path) -> Cost:
    settings = {"source.path": folder / "lake", "paths.run_root": folder / "run", **SPLITS}
    settings |= {"paths.model_base_path": folder / "models"}
    before, start = _children_seconds(), time.perf_counter()
    told = _call("run", "--json", *(f"--set={key}={value}" for key, value in settings.items()), NO_SECTORS)
    wall, cpu = time.perf_counter() - start, _children_seconds() - before
    components = {component["name"]: component["seconds"] for component in json.loads(told)["components"]}
    return Cost(cpu, wall, components)


def _call(*arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-m", "pipeline.cli", *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode not in ENDINGS:
        raise SystemExit(f"{arguments[0]} must come to an end, got exit code {ended.returncode}; see above")
    return ended.stdout


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
