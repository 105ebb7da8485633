"""LatestBarsGen: raw bars in, the latest bars of each ticker as examples and a report out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components import contract
from components.infer import latest_executor
from components.ingest import executor as ingest_executor
from components.ingest.bars import ValidationConfig
from components.ingest.source_config import SourceConfig
from components.transform.market_property import KnowsMarket, market_property


class UniverseReportArtifact(types.Artifact):
    """Folder with universe_report.REPORT_FILE: who gets a forecast, who does not and why."""

    TYPE_NAME = "marketcast.UniverseReport"


class LatestBarsGenSpec(types.ComponentSpec):
    """Parameters and outputs of LatestBarsGen."""

    PARAMETERS: ClassVar = {
        ingest_executor.SOURCE_KEY: component_spec.ExecutionParameter(type=str),
        ingest_executor.VALIDATION_KEY: component_spec.ExecutionParameter(type=str),
        ingest_executor.NUM_SHARDS_KEY: component_spec.ExecutionParameter(type=int),
        **KnowsMarket.PARAMETER,
        contract.DATA_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.AS_OF_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.KNOWN_ON_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.FINGERPRINT_PROPERTY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        ),
        latest_executor.REPORT_KEY: component_spec.ChannelParameter(type=UniverseReportArtifact),
    }


class LatestBarsGen(KnowsMarket, base_beam_component.BaseBeamComponent):
    """Validates bars and takes the latest of each ticker.

    Outputs: `examples` (standard Examples of one split, latest_bars.LATEST_SPLIT) and `report`
    (UniverseReportArtifact). What a policy quarantines is skipped and told in the report.
    """

    SPEC_CLASS = LatestBarsGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(latest_executor.Executor)

    def __init__(
        self,
        source: SourceConfig,
        validation: ValidationConfig,
        as_of: str = "",
        input_fingerprint: str = "",
        num_shards: int = 0,
        parameters: Mapping[str, data_types.RuntimeParameter] | None = None,
    ) -> None:
        """Makes the component.

        Args:
          source: where the bars are.
          validation: what happens to bad rows.
          as_of: later bars are ignored, YYYY-MM-DD; empty keeps all.
          input_fingerprint: see BarsExampleGen.
          num_shards: example files, and so tasks of the inference at a time; 0 goes by the source's size, as
            chunks.num_shards does.
          parameters: what is known only when the run starts: DATA_PARAMETER, AS_OF_PARAMETER,
            KNOWN_ON_PARAMETER.
        """
        changing = {
            contract.DATA_PARAMETER: source.path,
            contract.AS_OF_PARAMETER: as_of,
            contract.KNOWN_ON_PARAMETER: source.known_on,
        }
        spec = LatestBarsGenSpec(
            **{
                **changing,
                **(parameters or {}),
                ingest_executor.SOURCE_KEY: json.dumps(source.to_properties(), sort_keys=True),
                ingest_executor.VALIDATION_KEY: json.dumps(dataclasses.asdict(validation), sort_keys=True),
                ingest_executor.NUM_SHARDS_KEY: num_shards,
                **market_property(),
                contract.FINGERPRINT_PROPERTY: input_fingerprint,
                standard_component_specs.EXAMPLES_KEY: types.Channel(type=standard_artifacts.Examples),
                latest_executor.REPORT_KEY: types.Channel(type=UniverseReportArtifact),
            }
        )
        super().__init__(spec=spec)
