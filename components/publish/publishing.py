"""A run that has ended goes into the database: what was judged, how, and its forecasts."""

from __future__ import annotations

import dataclasses
import datetime
import glob
import json
import os
from typing import Any

from components import contract
from components.database import run_writer
from components.database.config import DatabaseConfig
from components.database.judged_forecasts import forecast_judged_days
from components.database.row_file import RowFile, keep_rows
from components.database.tables import RunRecord
from components.evaluate import gate
from components.evaluate.results import read_results
from components.evaluate.verdict import CheckResult, reach_verdict
from components.ingest.report import REPORT_FILE
from components.ingest.shards import SPLIT_FOLDER


@dataclasses.dataclass(frozen=True)
class EndedRun:
    """Where a run that reached its end, pushed or refused, has left what is told of it.

    Attributes:
      ingest: folder of the ingest's report.
      examples: folder of the splits.
      model_dir: of the SavedModel that was judged.
      champion_dir: of the SavedModel in service by then; empty for none.
      evaluation: folder of the Evaluator's figures.
      is_pushed: a version was pushed.
    """

    ingest: str
    examples: str
    model_dir: str
    champion_dir: str
    evaluation: str
    is_pushed: bool


@dataclasses.dataclass(frozen=True)
class Published:
    """What was written.

    Attributes:
      run_id: of the run in the database.
      place: the database.
      rows: table -> rows that were added or changed.
    """

    run_id: str
    place: str
    rows: dict[str, int]

    def describe(self) -> str:
        """One line for people."""
        if not any(self.rows.values()):
            return f"database {self.place}: run {self.run_id} is there, no row changed"
        counts = ", ".join(f"{count:,} of {table}" for table, count in self.rows.items())
        return f"database {self.place}: run {self.run_id} written; rows: {counts}"


def publish(database: DatabaseConfig, run: EndedRun, bounds: gate.GateConfig, scratch: str) -> Published:
    """Writes a run in one transaction; one that is there already, and the same, changes no row.

    Args:
      database: the server.
      run: what it left.
      bounds: that its model was held against.
      scratch: folder on a disk where the forecasts can wait.
    Raises:
      DatabaseError: the database cannot be reached, or refuses; nothing is written.
    """
    version = _read_record(run.model_dir)[contract.MODEL_VERSION]
    split = os.path.join(run.examples, SPLIT_FOLDER.format(split=contract.TEST_SPLIT))
    forecasts = forecast_judged_days(run.model_dir, sorted(glob.glob(os.path.join(split, "*"))), version)
    with keep_rows(forecasts, scratch) as kept:
        record = _gather(run, bounds, kept)
        return Published(record.run_id, database.place, run_writer.write_run(database, record))


def _gather(run: EndedRun, bounds: gate.GateConfig, forecasts: RowFile) -> RunRecord:
    data = _read_json(os.path.join(run.ingest, REPORT_FILE))
    record = _read_record(run.model_dir)
    version = record[contract.MODEL_VERSION]
    return RunRecord(
        model_version=version,
        code_commit=record[contract.RECORD_COMMIT],
        data_fingerprint=data[contract.FINGERPRINT_PROPERTY],
        last_bar=datetime.date.fromisoformat(data["last_date"]),
        gate=dataclasses.asdict(bounds),
        outcome="pushed" if run.is_pushed else "refused",
        checks=_judge(run, version, bounds),
        forecasts=forecasts,
    )


def _judge(run: EndedRun, version: str, bounds: gate.GateConfig) -> tuple[CheckResult, ...]:
    figures = read_results(run.evaluation)
    checks = reach_verdict(figures.candidate, bounds, figures.champion).checks
    if run.champion_dir and _read_record(run.champion_dir)[contract.MODEL_VERSION] == version:
        # A model is no better or worse than itself: what it was compared with at first stays.
        return tuple(check for check in checks if check.metric != gate.CHAMPION_METRIC)
    return checks


def _read_record(model_dir: str) -> dict[str, Any]:
    return _read_json(os.path.join(model_dir, contract.ASSETS_EXTRA, contract.RECORD_FILE))


def _read_json(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as stream:
        return dict(json.load(stream))
