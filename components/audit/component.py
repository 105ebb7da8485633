"""LeakageAudit: examples, Transform graph and exported model in; a report out, or the run ends here."""

from __future__ import annotations

import dataclasses
import json
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.audit import executor
from components.audit.report import AuditConfig


class AuditResult(types.Artifact):
    """Folder with report.REPORT_FILE: what was looked at."""

    TYPE_NAME = "marketcast.AuditResult"


class LeakageAuditSpec(types.ComponentSpec):
    """Parameter, inputs and output of LeakageAudit."""

    PARAMETERS: ClassVar = {executor.CONFIG_KEY: component_spec.ExecutionParameter(type=str)}
    INPUTS: ClassVar = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        ),
        standard_component_specs.TRANSFORM_GRAPH_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.TransformGraph
        ),
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {executor.AUDIT_KEY: component_spec.ChannelParameter(type=AuditResult)}


class LeakageAudit(base_beam_component.BaseBeamComponent):
    """Looks for the future where it must not be, in a sample of the real data, with the real exported model.

    Each check ends the run: noise put after a day changes a bit of the forecasts up to it; a label is not
    the log return from its day on; Transform's constants are not those of the train split alone.
    Output: `audit` (AuditResult).
    """

    SPEC_CLASS = LeakageAuditSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        model: types.BaseChannel,
        config: AuditConfig,
    ) -> None:
        """Makes the component.

        Args:
          examples: chunk examples with all splits.
          transform_graph: from Transform.
          model: from the Trainer.
          config: how much is looked at.
        """
        spec = LeakageAuditSpec(
            **{
                standard_component_specs.EXAMPLES_KEY: examples,
                standard_component_specs.TRANSFORM_GRAPH_KEY: transform_graph,
                standard_component_specs.MODEL_KEY: model,
                executor.CONFIG_KEY: json.dumps(dataclasses.asdict(config), sort_keys=True),
                executor.AUDIT_KEY: types.Channel(type=AuditResult),
            }
        )
        super().__init__(spec=spec)
