"""Runs the Pusher's executor; imports TensorFlow and TFX."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from tfx import types
from tfx.types import standard_artifacts

from components.evaluate.gate import GateConfig
from components.evaluate.results import EvaluationResults, write_results
from components.push.component import AtomicPusher
from components.push.executor import Executor


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a push is given.

    Attributes:
      folder: of everything; the Model artifact is at folder/model.
      model_blessed: by the Evaluator.
      infra_blessed: by the Rehearsal.
      results: the Evaluator's figures; None for a pipeline without them.
    """

    folder: pathlib.Path
    model_blessed: int = 1
    infra_blessed: int = 1
    results: EvaluationResults | None = None

    @property
    def base(self) -> pathlib.Path:
        """The push destination."""
        return self.folder / "models" / "marketcast"


def _channel(artifact_type: type[types.Artifact]) -> types.Channel:
    return types.Channel(type=artifact_type)


def _blessing(artifact: types.Artifact, blessed: int) -> list[types.Artifact]:
    artifact.set_int_custom_property("blessed", blessed)
    return [artifact]


def make_component(base: str, gate: GateConfig | None) -> AtomicPusher:
    """Makes the component as a pipeline does, with an evaluation exactly if there is a gate."""
    return AtomicPusher(
        _channel(standard_artifacts.Model),
        _channel(standard_artifacts.ModelBlessing),
        _channel(standard_artifacts.InfraBlessing),
        base,
        None if gate is None else _channel(standard_artifacts.ModelEvaluation),
        gate,
    )


def push(inputs: Inputs) -> types.Artifact:
    """Runs the executor with the properties that the component makes; returns the PushedModel artifact."""
    model = standard_artifacts.Model()
    model.uri = str(inputs.folder / "model")
    artifacts: dict[str, list[Any]] = {
        "model": [model],
        "model_blessing": _blessing(standard_artifacts.ModelBlessing(), inputs.model_blessed),
        "infra_blessing": _blessing(standard_artifacts.InfraBlessing(), inputs.infra_blessed),
    }
    if inputs.results is not None:
        evaluation = standard_artifacts.ModelEvaluation()
        evaluation.uri = str(inputs.folder / "evaluation")
        pathlib.Path(evaluation.uri).mkdir(exist_ok=True)
        write_results(inputs.results, evaluation.uri)
        artifacts["evaluation"] = [evaluation]
    component = make_component(str(inputs.base), None if inputs.results is None else GateConfig())
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(inputs.folder / "pushed_model")
    Executor().Do(artifacts, {"pushed_model": [pushed]}, component.exec_properties)
    return pushed
