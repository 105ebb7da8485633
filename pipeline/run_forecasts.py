"""`marketcast infer`: the forecasting pipeline on this machine."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from components.infer import forecast_table
from components.infer.universe_report import REPORT_FILE, UniverseReport
from pipeline.run_local import LocalRun, RunReport, go

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig
    from pipeline.local_runner import NodeResult

FORECAST = "forecast"


@dataclasses.dataclass
class ForecastReport(RunReport):
    """What there is to tell of the forecasts besides.

    Attributes:
      rows: of the table.
      tickers: who got a forecast, number.
      skipped: ticker -> why it got none.
      model_version: what the model calls itself.
    """

    rows: int = 0
    tickers: int = 0
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)
    model_version: str = ""


def run(config_file: str, overrides: Sequence[str], out: str, as_json: bool) -> int:
    """Forecasts every ticker of the source and tells the user about it.

    Args:
      config_file: YAML; empty for none.
      overrides: `key.path=value`.
      out: file of the forecasts, CSV or Parquet.
      as_json: print one JSON object on standard output, and the lines for people on standard error.
    Returns:
      The exit code: 0 written, 4 bad input or configuration, 5 no model, 130 interrupted, 1 else.
    Raises:
      ConfigError: `out` could not be written to.
    """
    forecast_table.check_path(out)

    class Run(_ForecastRun):
        destination = out

    return go(Run, config_file, overrides, as_json)


class _ForecastRun(LocalRun):
    """Bars and the model in service in, a table out."""

    report: ForecastReport
    destination: str

    def start_report(self) -> ForecastReport:
        return ForecastReport()

    def create_pipeline(self, config: PipelineConfig) -> Any:
        from pipeline import forecast_dag

        return forecast_dag.create_pipeline(config, self.destination)

    def conclude(self, config: PipelineConfig) -> Sequence[str]:
        folder = pathlib.Path(_artifact(self.results["LatestBarsGen"], "report").uri)
        report = UniverseReport.from_json((folder / REPORT_FILE).read_text(encoding="utf-8"))
        forecasts = _artifact(self.results["ForecastWriter"], "forecasts")
        self.report.exit_code = 0
        self.report.outcome = FORECAST
        self.report.rows = forecasts.get_int_custom_property("num_rows")
        self.report.model_version = forecasts.get_string_custom_property("model_version")
        self.report.tickers = len(report.as_of)
        self.report.skipped = dict(report.skipped)
        self.report.paths["forecasts"] = self.destination
        told = f"{self.report.rows:,} rows, {report.describe()}; model {self.report.model_version}"
        return ["", f"{self.destination}: {told}"]


def _artifact(result: NodeResult, key: str) -> Any:
    return result.outputs[key][0]
