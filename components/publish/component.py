"""RunPublisher: what a run left in, the run in the database and a note of it out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.database.config import DatabaseConfig
from components.evaluate.gate import GateConfig
from components.ingest.component import IngestReport
from components.publish import executor


class PublishedRun(types.Artifact):
    """Folder with executor.PUBLISHED_FILE: the run's id, the database, and the rows that were changed."""

    TYPE_NAME = "marketcast.PublishedRun"


class RunPublisherSpec(types.ComponentSpec):
    """Parameters, inputs and output of RunPublisher."""

    PARAMETERS: ClassVar = {
        executor.DATABASE_KEY: component_spec.ExecutionParameter(type=str),
        executor.GATE_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        key: component_spec.ChannelParameter(type=artifact_type)
        for key, artifact_type in {
            executor.INGEST_KEY: IngestReport,
            standard_component_specs.EXAMPLES_KEY: standard_artifacts.Examples,
            standard_component_specs.MODEL_KEY: standard_artifacts.Model,
            executor.CHAMPION_KEY: standard_artifacts.Model,
            executor.EVALUATION_KEY: standard_artifacts.ModelEvaluation,
            executor.PUSHED_KEY: standard_artifacts.PushedModel,
        }.items()
    }
    OUTPUTS: ClassVar = {executor.PUBLISHED_KEY: component_spec.ChannelParameter(type=PublishedRun)}


class RunPublisher(base_component.BaseComponent):
    """Writes a run to the database, pushed or refused, its verdict and its forecasts.

    Output: `published_run` (PublishedRun; custom property run_id).
    """

    SPEC_CLASS = RunPublisherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self, outputs: Mapping[str, types.BaseChannel], database: DatabaseConfig, gate: GateConfig
    ) -> None:
        """Makes the component.

        Args:
          outputs: what is read of the run, under the keys of executor.PRODUCERS.
          database: the server; its password is found where the component runs.
          gate: the Evaluator's bounds.
        """
        spec = RunPublisherSpec(
            **{
                **outputs,
                executor.DATABASE_KEY: json.dumps(dataclasses.asdict(database), sort_keys=True),
                executor.GATE_KEY: json.dumps(dataclasses.asdict(gate), sort_keys=True),
                executor.PUBLISHED_KEY: types.Channel(type=PublishedRun),
            }
        )
        super().__init__(spec=spec)
