"""What a push adds to a model's record: the figures beside the baselines, and the verdict on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from components import contract
from components.evaluate.gate import GateConfig
from components.evaluate.results import read_results
from components.evaluate.verdict import reach_verdict

METRICS_KEY = contract.RECORD_METRICS
CHAMPION_METRICS_KEY = contract.RECORD_CHAMPION_METRICS
VERDICT_KEY = contract.RECORD_VERDICT


def describe_evaluation(folder: str, gate: GateConfig) -> dict[str, Any]:
    """Reads the Evaluator's figures and repeats its verdict.

    Args:
      folder: of the evaluation artifact.
      gate: the bounds that the model was held against.
    Returns:
      METRICS_KEY, the model's figures on the test split; CHAMPION_METRICS_KEY, those of the model that was in
      service, or None; VERDICT_KEY, each check with figure and bound. What has no figure is None.
    """
    results = read_results(folder)
    verdict = reach_verdict(results.candidate, gate, results.champion)
    return {
        METRICS_KEY: _without_nan(results.candidate),
        CHAMPION_METRICS_KEY: None if results.champion is None else _without_nan(results.champion),
        VERDICT_KEY: verdict.to_json(),
    }


def _without_nan(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
