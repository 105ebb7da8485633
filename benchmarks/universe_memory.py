"""How the peak memory of each heavy step grows with the number of tickers.

python -m benchmarks.universe_memory                      universes of 100, 400 and 1600 tickers of 1500 days
python -m benchmarks.universe_memory 100 1600 --steps Trainer Evaluator

Each step runs in a process of its own: the components as `marketcast run` and `marketcast infer` wire them,
up to the one that is measured, those before it out of the metadata store; beside them `start`, which only
imports what they import, and what runs after the pipeline. The Trainer takes a fixed number of steps, and
one validation at their end. Growth is the peak of the largest universe less that of the smallest, by the
bars that are between them. Wall time says something on an idle machine only.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import glob
import json
import os
import pathlib
import shutil
import sys
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from benchmarks.ingest_scale import Cost, measure
from benchmarks.synthetic_bars import simulate_tables, write_universe
from components import contract
from components.backtest import results
from components.ingest.bars import TickerBars

NUM_DAYS = 1500
SEED = 1
TRAIN_STEPS = 20
VERSION = "a-benchmark"
START = "start"
TRAINING, FORECASTS = "training", "forecasts"
TRAINING_STEPS = ("BarsExampleGen", "StatisticsGen", "Transform", "Trainer", "LeakageAudit", "Evaluator")
FORECAST_STEPS = ("LatestBarsGen", "BulkInferrer", "ForecastWriter")
JUDGED = "judged forecasts"
FORECAST_ALL = "forecast --all"
REPORT = "report"
STEPS = (START, *TRAINING_STEPS, JUDGED, *FORECAST_STEPS, FORECAST_ALL, REPORT)
REPORT_DAYS = 250
"""Days of a backtest of which the report tells, made up by two models."""
SETTINGS = {
    "source.metadata_path": "''",
    "validation.unadjusted_split": "quarantine",
    "chunks.eval_start": "2003-07-01",
    "chunks.test_start": "2004-07-01",
    "train.steps": TRAIN_STEPS,
    "train.warmup_steps": 4,
    "train.validation_every": TRAIN_STEPS,
}


def list_settings(folder: pathlib.Path, more: list[str]) -> list[str]:
    """The configuration of a universe that make_universe has made, `key=value` each."""
    places = {
        "source.path": folder / "bars",
        "paths.run_root": folder / "run",
        "paths.model_base_path": folder / "models",
    }
    return [f"{key}={value}" for key, value in {**SETTINGS, **places}.items()] + more


def run_step(step: str, folder: str, *more: str) -> None:
    """Runs one step in this process; the ones before it must have run."""
    place = pathlib.Path(folder)
    if step in TRAINING_STEPS:
        _run_components(TRAINING, step, place, list(more))
    elif step in FORECAST_STEPS:
        _publish(place)
        _run_components(FORECASTS, step, place, list(more))
    elif step == JUDGED:
        _write_judged(place)
    else:
        _run_components(TRAINING, "", place, list(more))


def _run_components(kind: str, last: str, folder: pathlib.Path, more: list[str]) -> None:
    """Runs a pipeline to the component `last`; imports and wires only, where that is empty."""
    from pipeline import dag, forecast_dag, local_runner
    from pipeline.config import load_config

    def stop(result: local_runner.NodeResult) -> None:
        if result.node_id == last:
            raise _StepDone

    config = load_config(overrides=list_settings(folder, more))
    out = str(folder / "forecasts.parquet")
    wired = forecast_dag.create_pipeline(config, out) if kind == FORECASTS else dag.create_pipeline(config)
    if last:
        with contextlib.suppress(_StepDone):
            local_runner.LocalRunner(lambda _: None, stop, [last]).run(wired)


class _StepDone(Exception):  # noqa: N818 (nothing is wrong)
    """The components after the measured one are not wanted."""


def _find_model(folder: pathlib.Path) -> str:
    return _find_newest(f"{folder}/run/pipeline/Trainer/model/*/Format-Serving")


def _find_newest(pattern: str) -> str:
    return max(glob.glob(pattern), key=os.path.getmtime)


def _publish(folder: pathlib.Path) -> None:
    from components.push import publish

    publish.publish(_find_model(folder), str(folder / "models"), {})


def _write_judged(folder: pathlib.Path) -> None:
    """Makes the rows that go to the database, and reads them as the writer does."""
    from components.database.judged_forecasts import forecast_judged_days
    from components.database.row_file import keep_rows

    examples = _find_newest(f"{folder}/run/pipeline/BarsExampleGen/examples/*")
    files = sorted(glob.glob(f"{examples}/Split-test/*"))
    blocks = forecast_judged_days(_find_model(folder), files, VERSION)
    with keep_rows(blocks, str(folder)) as kept:
        collections.deque(kept, maxlen=0)


def make_universe(num_tickers: int, root: pathlib.Path) -> pathlib.Path:
    """Returns the folder of a universe, made where it is not there."""
    folder = root / f"universe-{num_tickers}"
    if not folder.exists():
        unfinished = root / f"{folder.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_universe(unfinished / "bars", simulate_tables(num_tickers, NUM_DAYS, SEED, by_days=False))
        unfinished.rename(folder)
    return folder


def make_results(folder: pathlib.Path) -> pathlib.Path:
    """Returns the folder of a backtest's results of a universe: forecasts at random, made where not there."""
    place = folder / "backtest"
    if place.exists():
        return place
    rng = np.random.default_rng(SEED)
    days = np.arange(contract.LOOKBACK + REPORT_DAYS)
    shape = (REPORT_DAYS, len(contract.HORIZONS), len(contract.QUANTILE_LEVELS))
    tables: dict[results.Part, list[pa.Table]] = {
        results.Part("2000-01-03", model): [] for model in (contract.MODEL_NAME, "ewma_empirical")
    }
    for number in range(int(folder.name.split("-")[-1])):
        close = np.exp(np.cumsum(rng.normal(0.0, 0.01, len(days))))
        prices = dict.fromkeys(contract.BAR_COLUMNS, close)
        bars = TickerBars(ticker=f"T{number:06d}", sector="unknown", dates=days + 10_000, **prices)
        for part, rows in tables.items():
            quantiles = np.sort(rng.normal(0.0, 0.01, shape))
            rows.append(results.make_rows(part, bars, contract.LOOKBACK, quantiles))
    for part, rows in tables.items():
        results.write_part(place, part, pa.concat_tables(rows))
    return place


def measure_step(step: str, folder: pathlib.Path, more: list[str]) -> Cost:
    """Runs one step in a process of its own."""
    if step == REPORT:
        place = make_results(folder)
        return measure(
            ["-m", "pipeline.cli", "report", f"--results={place}", f"--out={folder / 'report.html'}"]
        )
    if step != FORECAST_ALL:
        return measure(["-m", "benchmarks.universe_memory", "--step", step, str(folder), *more])
    flags = [f"--set={setting}" for setting in list_settings(folder, more)]
    return measure(["-m", "pipeline.cli", "forecast", "--all", f"--out={folder / 'all.parquet'}", *flags])


def describe(step: str, costs: Mapping[int, Cost]) -> str:
    """A line of the table: peaks in MB, growth, and CPU microseconds a bar of the largest universe."""
    sizes = sorted(costs)
    bars = NUM_DAYS * (sizes[-1] - sizes[0])
    first, last = costs[sizes[0]], costs[sizes[-1]]
    peaks = "".join(f"{costs[size].peak_mb:9.0f}" for size in sizes)
    if not bars:
        return f"{step:<18}{peaks}"
    growth = 1024**2 * (last.peak_mb - first.peak_mb) / bars
    micros = 1e6 * (last.cpu_seconds - first.cpu_seconds) / bars
    return f"{step:<18}{peaks}{last.peak_mb / first.peak_mb - 1:10.0%}{growth:13.1f}{micros:14.1f}"


def print_table(costs: Mapping[str, Mapping[int, Cost]], sizes: list[int]) -> None:
    """Prints a line for each step."""
    titles = "".join(f"{size:9}" for size in sorted(sizes))
    print(f"{'tickers':<18}{titles}    growth  bytes a bar  CPU us a bar")
    for step, by_size in costs.items():
        print(describe(step, by_size))


def main() -> None:
    """Measures, prints, and leaves the figures in run/benchmark/universe_memory.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tickers", type=int, nargs="*", default=[100, 400, 1600])
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS, metavar="STEP")
    parser.add_argument("--set", action="append", default=["train.cache_features=false"], metavar="KEY=VALUE")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("run/benchmark").resolve())
    given = parser.parse_args()
    costs: dict[str, dict[int, Cost]] = {step: {} for step in given.steps}
    for num_tickers in given.tickers:
        folder = make_universe(num_tickers, given.root)
        for step in given.steps:
            costs[step][num_tickers] = measure_step(step, folder, given.set)
            print(f"{num_tickers} tickers, {step}: {costs[step][num_tickers]}", file=sys.stderr, flush=True)
    print_table(costs, given.tickers)
    (given.root / "universe_memory.json").write_text(json.dumps(costs, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        run_step(*sys.argv[2:])
    else:
        main()
