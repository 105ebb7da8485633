"""The model's figures over several seeds, each a full run of the pipeline on the shipped data.

python -m benchmarks.seeds               seeds 1, 2 and 3; a table and the mean
python -m benchmarks.seeds 4 5 6
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import tempfile

from components import contract

DEFAULT_SEEDS = ("1", "2", "3")
COLUMNS = ("skill_ewma_h1", "dm_t_ewma_h1", "coverage_90_h1")
SKILLS = tuple(f"skill_ewma_h{horizon}" for horizon in contract.HORIZONS)


def run_seed(seed: str, folder: pathlib.Path) -> dict[str, float]:
    """Runs the pipeline in `folder` and returns the candidate's figures, blessed or not."""
    settings = [
        f"train.seed={seed}",
        f"paths.run_root={folder / 'run'}",
        f"paths.model_base_path={folder / 'models'}",
    ]
    command = [sys.executable, "-m", "pipeline.cli", "run", "--json"]
    ended = subprocess.run(
        [*command, *(part for setting in settings for part in ("--set", setting))],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    report = json.loads(ended.stdout)
    if report["metrics"] is None:
        raise SystemExit(f"seed {seed}: {report['error']}")
    return report["metrics"]["candidate"]


def describe(title: str, figures: dict[str, float]) -> str:
    """One line of the table."""
    skills = "  ".join(f"{100 * figures[name]:+.2f} %" for name in SKILLS)
    return f"{title:<7} {skills}   t {figures['dm_t_ewma_h1']:.1f}   {100 * figures['coverage_90_h1']:.1f} %"


def main() -> None:
    """Runs the seeds and prints skill against EWMA-empirical by horizon, t and coverage of the first."""
    results = []
    for seed in sys.argv[1:] or DEFAULT_SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            results.append(run_seed(seed, pathlib.Path(folder)))
        print(describe(f"seed {seed}", results[-1]), flush=True)
    names = (*COLUMNS, *SKILLS)
    print(describe("mean", {name: sum(result[name] for result in results) / len(results) for name in names}))


if __name__ == "__main__":
    main()
