"""What `marketcast tune` does: bars in, trials and the best configuration out."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import pathlib
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from components import progress
from components.errors import MarketcastError
from pipeline import code_fingerprint, failures, quiet, run_lock
from pipeline.console import RunConsole

if TYPE_CHECKING:
    from components.tune.config import TuneSettings
    from components.tune.search import Found

LOG_FILE = "tune.log"
LOCK_FILE = ".lock"
BEST_FILE = "best.yaml"
KIND = "search"


def run(config_file: str, overrides: Sequence[str], out: str, as_json: bool) -> int:
    """Runs the search and tells the user about it.

    Args:
      config_file: YAML; empty for none.
      overrides: `key.path=value`.
      out: folder of the trials, made where it is not there.
      as_json: print one JSON object on standard output, and the lines for people on standard error.
    Returns:
      The exit code: 0 done, 4 bad input or configuration, 130 interrupted, 1 else.
    """
    report: dict[str, Any] = {"exit_code": 1, "error": None, "results": out, "trials": []}
    with quiet.divert_output() as output:
        console = RunConsole(output.stderr if as_json else output.stdout)
        progress.set_listener(console.progressed)
        try:
            _run(config_file, overrides, pathlib.Path(out), console, report, output.write_to)
            report["exit_code"] = 0
        except KeyboardInterrupt:
            console.stopped("stopped")
            console.say("interrupted; what is finished is kept, the same command goes on from there")
            report |= {"exit_code": failures.INTERRUPTED_EXIT_CODE, "error": "interrupted"}
        except Exception as error:
            console.stopped("failed")
            logging.getLogger(__name__).exception("the search failed")
            known = failures.find_user_error(error)
            report["exit_code"] = known.exit_code if known else MarketcastError.exit_code
            report["error"] = str(known) if known else failures.first_line(error)
            console.say(f"error: {report['error']}")
            if not known:
                traceback.print_exc(file=output.stderr)
        finally:
            progress.set_listener(None)
        if as_json:
            print(json.dumps(report), file=output.stdout)
    return int(report["exit_code"])


def _run(
    config_file: str,
    overrides: Sequence[str],
    folder: pathlib.Path,
    console: RunConsole,
    report: dict[str, Any],
    write_log_to: Callable[[str], None],
) -> None:
    from components.backtest.walk import claim_folder
    from components.ingest.panel import read_panel
    from components.tune import search
    from components.tune.objective import make_objective
    from pipeline.config import load_config

    console.started("bars")
    start = time.monotonic()
    settings = load_config(config_file, overrides).tune_settings
    bars = read_panel(settings.source, settings.validation, settings.chunks.last_day).bars
    objective = make_objective(bars, settings)
    claim_folder(folder, _describe_origin(settings), KIND)
    write_log_to(str(folder / LOG_FILE))
    with run_lock.hold(str(folder / LOCK_FILE), "--out DIR"):
        days = f"{objective.folds[0].name} to {settings.chunks.test_start}"
        told = f"{len(objective.bars)} tickers, {len(objective.folds)} folds from {days}"
        console.finished(time.monotonic() - start, told)
        start = time.monotonic()
        console.started("trials")
        found = search.search(objective, settings.tune, folder)
        console.finished(time.monotonic() - start, f"{len(found.trials)} trials")
        search.write_hyperparameters(found, folder)
        _write_best(found, folder / BEST_FILE)
    report["configured"] = dataclasses.asdict(found.configured)
    report["trials"] = [dataclasses.asdict(trial) for trial in found.trials]
    report["best"] = dataclasses.asdict(found.best)
    for line in ["", *render(found), "", _advise(found, folder)]:
        console.say(line)


def render(found: Found) -> list[str]:
    """The trials as a table, the best first, and the configuration among them."""
    keys = list(found.configured.values)
    widths = [max(len(key), 10) + 2 for key in keys]
    rows = sorted((found.configured, *found.trials), key=lambda trial: trial.pinball)
    title = "".join(f"{key:>{width}}" for key, width in zip(keys, widths, strict=True))
    lines = [f"{'pinball x 1,000':>15}{title}"]
    for trial in rows:
        values = "".join(f"{trial.values[key]:>{width}g}" for key, width in zip(keys, widths, strict=True))
        mark = "  (configured)" if trial is found.configured else ""
        lines.append(f"{1000.0 * trial.pinball:>15.4f}{values}{mark}")
    return lines


def _advise(found: Found, folder: pathlib.Path) -> str:
    if found.best is found.configured:
        return "no trial is better than the configuration; keep it"
    gain = 1.0 - found.best.pinball / found.configured.pinball
    return f"{gain:+.2%} of the pinball loss; use it: marketcast run --config {folder / BEST_FILE}"


def _write_best(found: Found, path: pathlib.Path) -> None:
    """The best values as a configuration file; whole or not there."""
    sections: dict[str, dict[str, float]] = {}
    for key, value in found.best.values.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, {})[name] = value
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(yaml.safe_dump(sections), encoding="utf-8")
    os.replace(unfinished, path)


def _describe_origin(settings: TuneSettings) -> dict[str, Any]:
    """All that decides a search; how many trials run at a time does not."""
    from components.ingest.parts import fingerprint

    parts = dataclasses.asdict(settings)
    del parts["source"], parts["tune"]["parallel"], parts["tune"]["enabled"]
    made_from = {"bars": fingerprint(settings.source), "code": code_fingerprint.fingerprint_code(), **parts}
    return dict(json.loads(json.dumps(made_from)))
