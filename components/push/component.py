"""AtomicPusher: a blessed model in, a new version under the push destination out."""

from __future__ import annotations

import dataclasses
import json
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.evaluate.gate import GateConfig
from components.push import executor

NODE_ID = "Pusher"


class AtomicPusherSpec(types.ComponentSpec):
    """Parameters, inputs and output of AtomicPusher."""

    PARAMETERS: ClassVar = {
        standard_component_specs.PUSH_DESTINATION_KEY: component_spec.ExecutionParameter(type=str),
        executor.GATE_KEY: component_spec.ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.MODEL_BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelBlessing
        ),
        standard_component_specs.INFRA_BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing
        ),
        executor.EVALUATION_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelEvaluation, optional=True
        ),
    }
    OUTPUTS: ClassVar = {
        standard_component_specs.PUSHED_MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.PushedModel
        ),
    }


class AtomicPusher(base_component.BaseComponent):
    """Publishes a model that both blessings are given to, whole or not at all.

    Output: `pushed_model` (standard PushedModel; custom properties pushed, pushed_destination, pushed_version
    as tfx's Pusher sets them), a copy of the version.
    """

    SPEC_CLASS = AtomicPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        push_destination: str | data_types.RuntimeParameter,
        evaluation: types.BaseChannel | None = None,
        gate: GateConfig | None = None,
    ) -> None:
        """Makes the component.

        Args:
          model: from the Trainer.
          model_blessing: from the Evaluator.
          infra_blessing: from the Rehearsal.
          push_destination: local folder of the versions, or what stands for it until the run starts.
          evaluation: from the Evaluator; its figures go into the model's record.
          gate: the Evaluator's bounds, for the verdict in the record; given exactly if `evaluation` is.
        Raises:
          ValueError: one of `evaluation` and `gate` is given without the other.
        """
        if (evaluation is None) != (gate is None):
            raise ValueError(
                f"evaluation and gate must be given together, got {evaluation} and {gate}; "
                "give both of the Evaluator's or none"
            )
        properties = (
            {} if gate is None else {executor.GATE_KEY: json.dumps(dataclasses.asdict(gate), sort_keys=True)}
        )
        channels = {} if evaluation is None else {executor.EVALUATION_KEY: evaluation}
        spec = AtomicPusherSpec(
            **{
                standard_component_specs.MODEL_KEY: model,
                standard_component_specs.MODEL_BLESSING_KEY: model_blessing,
                standard_component_specs.INFRA_BLESSING_KEY: infra_blessing,
                standard_component_specs.PUSH_DESTINATION_KEY: push_destination,
                standard_component_specs.PUSHED_MODEL_KEY: types.Channel(type=standard_artifacts.PushedModel),
            },
            **channels,
            **properties,
        )
        super().__init__(spec=spec)
        self.with_id(NODE_ID)
