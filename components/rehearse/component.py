"""Rehearsal: the exported model in, an infra blessing for the Pusher out."""

from __future__ import annotations

import dataclasses
import json
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.rehearse import executor
from components.rehearse.replay import RehearsalConfig


class RehearsalSpec(types.ComponentSpec):
    """Parameter, input and output of Rehearsal."""

    PARAMETERS: ClassVar = {executor.REHEARSAL_KEY: component_spec.ExecutionParameter(type=str)}
    INPUTS: ClassVar = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {
        executor.INFRA_BLESSING_KEY: component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing),
    }


class Rehearsal(base_component.BaseComponent):
    """Rehearses the exported model in a clean process.

    Output: `infra_blessing` (standard InfraBlessing; custom property blessed, 1 or 0; the file INFRA_BLESSED
    or INFRA_NOT_BLESSED, and report.REPORT_FILE, which report.read_report reads).
    """

    SPEC_CLASS = RehearsalSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, model: types.BaseChannel, config: RehearsalConfig) -> None:
        """Makes the component.

        Args:
          model: from the Trainer, with golden forecasts in its assets.extra.
          config: what it must reach.
        """
        spec = RehearsalSpec(
            **{
                standard_component_specs.MODEL_KEY: model,
                executor.REHEARSAL_KEY: json.dumps(dataclasses.asdict(config), sort_keys=True),
                executor.INFRA_BLESSING_KEY: types.Channel(type=standard_artifacts.InfraBlessing),
            }
        )
        super().__init__(spec=spec)
