"""The tables that are written, and what makes their rows."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from components import contract
from components.database.upserts import Table
from components.evaluate.verdict import CheckResult

OUTCOMES = ("pushed", "refused")
QUANTILE_COLUMNS = tuple(f"q{round(100 * level):02d}" for level in contract.QUANTILE_LEVELS)

COMPANIES = Table("companies", ("ticker",), ("name", "sector", "exchange", "currency"))
BARS = Table("bars", (contract.TICKER, contract.DATE), contract.BAR_COLUMNS)
RUNS = Table(
    "runs",
    ("run_id",),
    ("model_version", "code_commit", "data_fingerprint", "last_bar", "outcome"),
    is_dated=True,
)
VERDICT_CHECKS = Table(
    "verdict_checks",
    ("run_id", "title"),
    ("metric", "figure", "shown", "bound", "passed"),
    is_dated=True,
)
FORECASTS = Table(
    "forecasts",
    ("model_version", "ticker", "as_of", "horizon"),
    ("target_date", "close", *QUANTILE_COLUMNS, "actual", "loss", "baseline_loss"),
    is_dated=True,
)
"""Returns are log returns; actual and the losses are None until the day has come."""


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """A run as it is written: what was judged, how, and its forecasts.

    Attributes:
      model_version: of the model.
      code_commit: that trained it.
      data_fingerprint: of the bars.
      last_bar: the newest one's day.
      gate: bounds that the model was held against, as JSON types.
      outcome: of OUTCOMES.
      checks: of the verdict that this run adds.
      forecasts: rows of FORECASTS, each key once; read again where a lost connection begins anew.
    """

    model_version: str
    code_commit: str
    data_fingerprint: str
    last_bar: datetime.date
    gate: Mapping[str, Any]
    outcome: str
    checks: Sequence[CheckResult]
    forecasts: Iterable[Sequence[Any]]

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(
                f"the outcome of a run must be one of {', '.join(OUTCOMES)}, got {self.outcome}; use one"
            )

    @property
    def run_id(self) -> str:
        """The same for the same model, data and gate: who judges again what was judged is no new run."""
        made_from = [self.model_version, self.data_fingerprint, dict(self.gate)]
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]

    def rows(self) -> dict[Table, Iterable[Sequence[Any]]]:
        """Rows by table, in the order in which they can be written."""
        run = [self.run_id, *(getattr(self, name) for name in RUNS.values)]
        checks = [
            [self.run_id, check.title, *(getattr(check, name) for name in VERDICT_CHECKS.values)]
            for check in self.checks
        ]
        return {RUNS: [run], VERDICT_CHECKS: checks, FORECASTS: self.forecasts}
