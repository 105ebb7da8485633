"""What a run came to: the verdict, whether the model was pushed, and how that reads."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components import contract
from components.audit.report import read_report
from components.errors import MarketcastError
from components.evaluate.gate import GateConfig
from components.evaluate.results import EvaluationResults, read_results
from components.evaluate.verdict import Verdict, reach_verdict
from components.ingest import report
from pipeline.local_runner import NodeResult

AUDIT = "LeakageAudit"
EVALUATOR = "Evaluator"
REHEARSAL = "Rehearsal"
PUSHER = "Pusher"
TITLE_WIDTH = 46
BASELINE_WIDTH = 31
LOSS_WIDTH = 6
SKILL_WIDTH = 9


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended that reached its end.

    Attributes:
      verdict: the gate's, with every check.
      results: figures behind it.
      rehearsed: the exported model passed its rehearsal.
      model_path: folder of the pushed version; empty when nothing was pushed.
    """

    verdict: Verdict
    results: EvaluationResults
    rehearsed: bool
    model_path: str

    @property
    def pushed(self) -> bool:
        """A version is in service."""
        return bool(self.model_path)


def conclude(results: Mapping[str, NodeResult], gate: GateConfig) -> Outcome:
    """Reads the outcome off the components' artifacts.

    Raises:
      MarketcastError: the components contradict each other, or the pushed version is gone.
    """
    figures = read_results(find_artifact(results[EVALUATOR], "evaluation").uri)
    verdict = reach_verdict(figures.candidate, gate, figures.champion)
    blessed = _flag(results[EVALUATOR], "blessing", "blessed")
    if blessed != verdict.blessed:
        raise MarketcastError(
            f"the verdict must be the Evaluator's, got blessed={verdict.blessed} against {blessed}; "
            "report this with the log"
        )
    model_path = ""
    if _flag(results[PUSHER], "pushed_model", "pushed"):
        model_path = _text(results[PUSHER], "pushed_model", "pushed_destination")
        if not os.path.isdir(model_path):
            raise MarketcastError(
                f"the pushed version must be in {model_path}, got nothing there; bring it back, or remove "
                "the folder of paths.run_root (the record of earlier runs) and run again"
            )
    return Outcome(verdict, figures, _flag(results[REHEARSAL], "infra_blessing", "blessed"), model_path)


def describe(result: NodeResult) -> str:
    """A component's result in a few words; empty when there is nothing to say."""
    describer = _DESCRIBERS.get(result.node_id)
    return describer(result) if describer else ""


def _describe_ingest(result: NodeResult) -> str:
    with open(
        os.path.join(find_artifact(result, "report").uri, report.REPORT_FILE), encoding="utf-8"
    ) as stream:
        line = report.describe(json.load(stream))
    before = _text(result, "examples", contract.REUSED_BEFORE_PROPERTY)
    return f"{line}; days before {before} reused" if before else line


def _describe_champion(result: NodeResult) -> str:
    absent = find_artifact(result, "champion").get_int_custom_property(contract.ABSENT_PROPERTY)
    return "no model in service yet" if absent else f"version {_text(result, 'champion', 'champion_version')}"


def _describe_push(result: NodeResult) -> str:
    if not _flag(result, "pushed_model", "pushed"):
        return "nothing pushed"
    return f"version {os.path.basename(_text(result, 'pushed_model', 'pushed_destination'))}"


_DESCRIBERS: Mapping[str, Callable[[NodeResult], str]] = {
    "BarsExampleGen": _describe_ingest,
    "ChampionResolver": _describe_champion,
    AUDIT: lambda result: read_report(find_artifact(result, "audit").uri).describe(),
    EVALUATOR: lambda result: "blessed" if _flag(result, "blessing", "blessed") else "refused",
    REHEARSAL: lambda result: "passed" if _flag(result, "infra_blessing", "blessed") else "failed",
    PUSHER: _describe_push,
}


def render(outcome: Outcome) -> list[str]:
    """The lines that the user reads: each check, the baselines beside the model, and the answer."""
    lines = ["", "the gate, on the test split, one day ahead", *_render_checks(outcome.verdict)]
    days = "".join(f"{f'{horizon} d':>{LOSS_WIDTH}}{'':{SKILL_WIDTH}}" for horizon in contract.HORIZONS)
    lines += ["", f"{'pinball x 1,000, skill':<{BASELINE_WIDTH}}{days}".rstrip()]
    lines += [_render_baseline(row) for row in outcome.verdict.baselines]
    if outcome.pushed:
        return [*lines, "", f"blessed and pushed: {outcome.model_path}"]
    reasons = [*outcome.verdict.reasons]
    if not outcome.rehearsed:
        reasons.append(
            "the rehearsal of the exported model must pass, got a failure; the log says which request"
        )
    return [*lines, "", "refused, nothing was pushed:", *(f"  {reason}" for reason in reasons)]


def _render_checks(verdict: Verdict) -> list[str]:
    lines = []
    for check in verdict.checks:
        mark = "ok" if check.passed else "NO"
        lines.append(f"  {mark}  {check.title:<{TITLE_WIDTH}} {check.shown:>10}   {check.bound}")
    return lines


def _render_baseline(row: Mapping[str, Any]) -> str:
    skills = row["skill"] or [None] * len(row["pinball"])
    cells = [_render_cell(loss, skill) for loss, skill in zip(row["pinball"], skills, strict=True)]
    return f"  {row['title']:<{BASELINE_WIDTH - 2}}{''.join(cells)}".rstrip()


def _render_cell(loss: float | None, skill: float | None) -> str:
    shown_loss = "-" if loss is None else f"{1000 * loss:.3f}"
    shown_skill = "" if skill is None else f"{100 * skill:+.1f} %"
    return f"{shown_loss:>{LOSS_WIDTH}}{shown_skill:>{SKILL_WIDTH}}"


def find_artifact(result: NodeResult, key: str) -> Any:
    """The one artifact that a component gave under a key.

    Raises:
      MarketcastError: it gave none, or several.
    """
    artifacts: Sequence[Any] = result.outputs.get(key, ())
    if len(artifacts) != 1:
        raise MarketcastError(
            f"{result.node_id} must give one {key}, got {len(artifacts)}; report this with the log"
        )
    return artifacts[0]


def _flag(result: NodeResult, key: str, name: str) -> bool:
    return bool(find_artifact(result, key).get_int_custom_property(name))


def _text(result: NodeResult, key: str, name: str) -> str:
    return str(find_artifact(result, key).get_string_custom_property(name))
