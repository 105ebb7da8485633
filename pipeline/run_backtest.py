"""What `marketcast backtest` does: bars in, forecasts of every model beside what came true out."""

from __future__ import annotations

import json
import logging
import math
import pathlib
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from components import contract, progress
from components.errors import MarketcastError
from pipeline import code_fingerprint, failures, quiet, run_lock
from pipeline.console import RunConsole

if TYPE_CHECKING:
    from components.backtest.figures import Figures, VerdictRow
    from components.backtest.folds import Fold

LOG_FILE = "backtest.log"
LOCK_FILE = ".lock"
NAME_WIDTH = 20
"""Of the first column of the table."""


def run(config_file: str, overrides: Sequence[str], out: str, as_json: bool) -> int:
    """Runs the backtest and tells the user about it.

    Args:
      config_file: YAML; empty for none.
      overrides: `key.path=value`.
      out: folder of the results, made where it is not there.
      as_json: print one JSON object on standard output, and the lines for people on standard error.
    Returns:
      The exit code: 0 done, 4 bad input or configuration, 130 interrupted, 1 else.
    """
    report: dict[str, Any] = {"exit_code": 1, "error": None, "results": out, "folds": [], "verdict": []}
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
            logging.getLogger(__name__).exception("the backtest failed")
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
    from components.backtest import entries, folds, measuring, results, walk
    from components.ingest.panel import read_panel
    from pipeline.config import load_config

    console.started("bars")
    start = time.monotonic()
    config = load_config(config_file, overrides)
    bars = read_panel(config.source, config.validation, config.chunks.last_day).bars
    rolling = folds.make_folds(bars, config.backtest)
    settings = config.backtest_settings
    origin = entries.describe_origin(settings) | {"code": code_fingerprint.fingerprint_code()}
    walk.claim_folder(folder, origin)
    write_log_to(str(folder / LOG_FILE))
    with run_lock.hold(str(folder / LOCK_FILE), "--out DIR"):
        make_entries = entries.choose_entries(settings)
        todo = [part for part in walk.list_parts(rolling, make_entries) if not results.has_part(folder, part)]
        console.finished(time.monotonic() - start, _describe_task(len(bars), rolling, len(todo)))
        start = time.monotonic()
        made = walk.walk(bars, rolling, make_entries, folder)
        for part in todo:
            console.started(f"{part.fold} {part.model}")
            next(made)
            console.finished(time.monotonic() - start, f"seed {part.seed}" if part.seed else "")
            start = time.monotonic()
        console.started("figures")
        figures = measuring.make_figures(results.read_results(folder))
        console.finished(time.monotonic() - start, "")
    plain = figures.to_json()
    report |= {"folds": plain["span"]["folds"], "verdict": plain["verdict"]}
    for line in ["", *render(figures), "", f"results: {folder}; see them with `marketcast report`"]:
        console.say(line)


def render(figures: Figures) -> list[str]:
    """The verdict as a table: a line a model, of each horizon the network's skill against it."""
    by_model: dict[str, list[VerdictRow]] = {}
    for row in figures.verdict:
        by_model.setdefault(row.model, []).append(row)
    titles = "".join(f"{f'{horizon} d':>9}" for horizon in contract.HORIZONS)
    lines = [f"{'skill against':<{NAME_WIDTH}}{titles}{'t, 1 d':>9}{'pinball x 1,000':>17}{'in 90 %':>9}"]
    for name, rows in by_model.items():
        first = rows[0]
        skills = "".join(f"{_show(row.skill.skill if row.skill else None, '{:+.2%}'):>9}" for row in rows)
        t = _show(first.skill.t if first.skill else None, "{:.1f}")
        lines.append(
            f"{name:<{NAME_WIDTH}}{skills}{t:>9}{1000.0 * first.pinball:>17.3f}{first.bands[0].share:>9.1%}"
        )
    return lines


def _show(value: float | None, pattern: str) -> str:
    return "-" if value is None or math.isnan(value) else pattern.format(value)


def _describe_task(num_tickers: int, rolling: Sequence[Fold], num_parts: int) -> str:
    crises = list(dict.fromkeys(name for fold in rolling for name in fold.crises))
    told = f"{num_tickers} tickers, {len(rolling)} folds from {rolling[0].name}, {num_parts} fits to do"
    return told + (f"; crises: {', '.join(crises)}" if crises else "; no crisis among them")
