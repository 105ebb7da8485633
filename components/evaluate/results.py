"""What the Evaluator leaves for readers without TFMA: one small JSON file in its artifact."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from typing import Any

FILE_NAME = "metrics.json"


@dataclasses.dataclass(frozen=True)
class EvaluationResults:
    """Figures of summary.summarise on the test split.

    Attributes:
      candidate: of the model that was judged.
      champion: of the model in service on the same rows; None when there was none.
      slices: the candidate's, by slice column and value, such as slices["ticker"]["AAPL"].
    """

    candidate: dict[str, float]
    champion: dict[str, float] | None
    slices: dict[str, dict[str, dict[str, float]]]


def write_results(results: EvaluationResults, folder: str) -> None:
    """Writes FILE_NAME into the evaluation artifact's folder; NaN becomes null."""
    with open(os.path.join(folder, FILE_NAME), "w", encoding="utf-8") as file:
        json.dump(_without_nan(dataclasses.asdict(results)), file, indent=1, sort_keys=True)
        file.write("\n")


def read_results(folder: str) -> EvaluationResults:
    """Reads what write_results wrote; null becomes NaN."""
    with open(os.path.join(folder, FILE_NAME), encoding="utf-8") as file:
        return EvaluationResults(**json.load(file, object_hook=_with_nan))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: math.nan if value is None and key != "champion" else value for key, value in figures.items()}
