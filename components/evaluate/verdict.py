"""The verdict: each check with its figure and its bound, also when the answer is no."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from components import contract
from components.evaluate import gate, summary
from components.evaluate.metrics import skill
from components.evaluate.scoreboard import BASELINES

BASELINE_TITLES = {
    "ewma": "EWMA, empirical quantiles",
    "normal": "EWMA, normal (RiskMetrics)",
    "historical": "250-day historical quantiles",
}


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """A check and what came of it; figure and bounds as text, for people, and the figure as number."""

    title: str
    metric: str
    figure: float | None
    shown: str
    bound: str
    passed: bool


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether a model is blessed and why.

    Attributes:
      blessed: all checks passed.
      checks: every check, in the order of the gate.
      reasons: one plain sentence for each check that failed.
      baselines: rows of the model beside the baselines: title, and pinball loss and skill of the model
        against it for each horizon.
    """

    blessed: bool
    checks: tuple[CheckResult, ...]
    reasons: tuple[str, ...]
    baselines: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """The verdict as JSON types."""
        return dataclasses.asdict(self)


def reach_verdict(
    metrics: Mapping[str, float], config: gate.GateConfig, champion: Mapping[str, float] | None = None
) -> Verdict:
    """Holds a model's figures against the gate.

    Args:
      metrics: figures of summary.summarise on the test split; a missing or NaN figure fails its check.
      config: the bounds.
      champion: figures of the model in service on the same rows; None when there is none yet.
    """
    results = [_judge(check, metrics) for check in gate.list_checks(config)]
    results.append(_judge_champion(metrics, champion, config))
    failed = [result for result in results if not result.passed]
    reasons = tuple(f"{result.title} must be {result.bound}, got {result.shown}" for result in failed)
    return Verdict(not reasons, tuple(results), reasons, _list_baselines(metrics))


def _judge(check: gate.Check, metrics: Mapping[str, float]) -> CheckResult:
    figure = metrics.get(check.metric, float("nan"))
    above = check.lower is None or figure >= check.lower
    below = check.upper is None or figure <= check.upper
    known = figure == figure
    return CheckResult(
        check.title,
        check.metric,
        figure if known else None,
        _show_figure(check, metrics) if known else "no figure",
        _show_bounds(check),
        known and above and below,
    )


def _show_figure(check: gate.Check, metrics: Mapping[str, float]) -> str:
    """The figure as text; a suspicion that needs more dates than there are says so."""
    if check.metric == summary.LEAK_SKILL and metrics.get(summary.NUM_DATES, 0.0) < summary.MIN_LEAK_DATES:
        return "too few"
    return _show(metrics[check.metric], check.is_share)


def _judge_champion(
    metrics: Mapping[str, float], champion: Mapping[str, float] | None, config: gate.GateConfig
) -> CheckResult:
    """Relative pinball loss against the champion on the same rows; passed where there is no champion."""
    title, bound = "pinball loss above the champion's", f"<= {_show(config.max_champion_loss, True)}"
    if champion is None:
        return CheckResult(title, gate.CHAMPION_METRIC, None, "none yet", bound, True)
    change = -skill(
        metrics.get(gate.CHAMPION_METRIC, float("nan")), champion.get(gate.CHAMPION_METRIC, float("nan"))
    )
    known = change == change
    return CheckResult(
        title,
        gate.CHAMPION_METRIC,
        change if known else None,
        _show(change, True) if known else "no figure",
        bound,
        known and change <= config.max_champion_loss,
    )


def _show(value: float, is_share: bool) -> str:
    if is_share:
        return f"{round(100 * value, 2) + 0.0:.2f} %"
    return f"{value:.0f}" if value.is_integer() else f"{value:.2f}"


def _show_bounds(check: gate.Check) -> str:
    lower = "" if check.lower is None else _show(check.lower, check.is_share)
    upper = "" if check.upper is None else _show(check.upper, check.is_share)
    if lower and upper:
        return f"{lower} to {upper}"
    return f">= {lower}" if lower else f"<= {upper}"


def _list_baselines(metrics: Mapping[str, float]) -> tuple[dict[str, Any], ...]:
    """The model's loss, then each baseline's with the model's skill against it, by horizon."""
    nan = float("nan")

    def figures(name: str) -> list[float | None]:
        values = [metrics.get(summary.at_horizon(name, horizon), nan) for horizon in contract.HORIZONS]
        return [value if value == value else None for value in values]

    rows: list[dict[str, Any]] = [{"title": "marketcast", "pinball": figures("pinball"), "skill": None}]
    for name in BASELINES:
        row = {"pinball": figures(f"pinball_{name}"), "skill": figures(f"skill_{name}")}
        rows.append({"title": BASELINE_TITLES[name], **row})
    return tuple(rows)
