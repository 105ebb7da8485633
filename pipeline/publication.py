"""What `marketcast run` writes to the database when it has ended: the run, its verdict, its forecasts."""

from __future__ import annotations

import dataclasses
import datetime
import glob
import json
import os
from collections.abc import Mapping
from typing import Any

from tfx.utils import path_utils

from components import contract
from components.database import run_writer
from components.database.judged_forecasts import forecast_judged_days
from components.database.row_file import RowFile, keep_rows
from components.database.tables import RunRecord
from components.evaluate import gate
from components.ingest.report import REPORT_FILE
from components.ingest.shards import SPLIT_FOLDER
from pipeline.config import PipelineConfig
from pipeline.local_runner import NodeResult
from pipeline.outcome import Outcome, find_artifact

INGEST = "BarsExampleGen"
TRAINER = "Trainer"
CHAMPION = "ChampionResolver"


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


def publish(config: PipelineConfig, results: Mapping[str, NodeResult], end: Outcome) -> Published:
    """Writes a run that reached its end, pushed or refused.

    Args:
      config: of the run.
      results: of its components.
      end: how it ended.
    Raises:
      DatabaseError: the database cannot be reached, or refuses; nothing is written.
    """
    model_dir = path_utils.serving_model_path(find_artifact(results[TRAINER], "model").uri)
    version = _read_record(model_dir)[contract.MODEL_VERSION]
    examples = find_artifact(results[INGEST], "examples").uri
    split = os.path.join(examples, SPLIT_FOLDER.format(split=contract.TEST_SPLIT))
    forecasts = forecast_judged_days(model_dir, sorted(glob.glob(os.path.join(split, "*"))), version)
    with keep_rows(forecasts, config.paths.run_root) as kept:
        record = _gather(config, results, end, kept)
        rows = run_writer.write_run(config.database, record)
    return Published(record.run_id, config.database.place, rows)


def _gather(
    config: PipelineConfig, results: Mapping[str, NodeResult], end: Outcome, forecasts: RowFile
) -> RunRecord:
    data = _read_json(os.path.join(find_artifact(results[INGEST], "report").uri, REPORT_FILE))
    record = _read_record(path_utils.serving_model_path(find_artifact(results[TRAINER], "model").uri))
    version = record[contract.MODEL_VERSION]
    checks = end.verdict.checks
    if _find_champion(results) == version:
        # A model is no better or worse than itself: what it was compared with at first stays.
        checks = tuple(check for check in checks if check.metric != gate.CHAMPION_METRIC)
    return RunRecord(
        model_version=version,
        code_commit=record[contract.RECORD_COMMIT],
        data_fingerprint=data[contract.FINGERPRINT_PROPERTY],
        last_bar=datetime.date.fromisoformat(data["last_date"]),
        gate=dataclasses.asdict(config.gate),
        outcome="pushed" if end.pushed else "refused",
        checks=checks,
        forecasts=forecasts,
    )


def _find_champion(results: Mapping[str, NodeResult]) -> str:
    """The version of the model in service; empty where there is none."""
    champion = find_artifact(results[CHAMPION], "champion")
    if champion.get_int_custom_property(contract.ABSENT_PROPERTY):
        return ""
    return str(_read_record(path_utils.serving_model_dir(champion.uri))[contract.MODEL_VERSION])


def _read_record(model_dir: str) -> dict[str, Any]:
    return _read_json(os.path.join(model_dir, contract.ASSETS_EXTRA, contract.RECORD_FILE))


def _read_json(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as stream:
        return dict(json.load(stream))
