"""BarsExampleGen: raw bars in, chunk examples and a report of the ingest out."""

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
from components.ingest import executor, parts
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import SourceConfig
from components.transform.market_property import KnowsMarket, market_property

_OWN_KEYS = ("as_of", "num_shards")
"""Of ChunkConfig: parameters by themselves."""


class IngestReport(types.Artifact):
    """Folder with report.REPORT_FILE (counts) and report.QUARANTINE_FILE (rows set aside, with reasons)."""

    TYPE_NAME = "marketcast.IngestReport"


class BarsExampleGenSpec(types.ComponentSpec):
    """Parameters and outputs of BarsExampleGen."""

    PARAMETERS: ClassVar = {
        executor.SOURCE_KEY: component_spec.ExecutionParameter(type=str),
        executor.VALIDATION_KEY: component_spec.ExecutionParameter(type=str),
        executor.CHUNKS_KEY: component_spec.ExecutionParameter(type=str),
        executor.NUM_SHARDS_KEY: component_spec.ExecutionParameter(type=int),
        **KnowsMarket.PARAMETER,
        contract.DATA_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.METADATA_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.AS_OF_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.KNOWN_ON_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.FINGERPRINT_PROPERTY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, component_spec.ChannelParameter]] = {}
    OUTPUTS: ClassVar = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        ),
        executor.REPORT_KEY: component_spec.ChannelParameter(type=IngestReport),
    }


class BarsExampleGen(KnowsMarket, base_beam_component.BaseBeamComponent):
    """Validates bars, cuts them into chunks and splits them by date.

    Outputs: `examples` (standard Examples; splits train, eval, test; properties: span, the last bar's day as
    the number yyyymmdd; custom properties input_fingerprint, first_date, last_date, num_bars, num_quarantined
    and <split>_num_chunks, <split>_num_target_days) and `report` (IngestReport).
    """

    SPEC_CLASS = BarsExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        source: SourceConfig,
        validation: ValidationConfig,
        chunks: ChunkConfig,
        input_fingerprint: str = "",
        parameters: Mapping[str, data_types.RuntimeParameter] | None = None,
    ) -> None:
        """Makes the component.

        Args:
          source: where the bars are.
          validation: what happens to bad rows.
          chunks: how bars are cut and split.
          input_fingerprint: of the source, as `BarsExampleGen.fingerprint` gives it: with it the cache is
            used exactly when the data is the same. Empty where the caller cannot read the data; it is then
            computed when the component runs, and the cache only sees the configs.
          parameters: what is known only when the run starts: its name among contract's DATA_PARAMETER,
            METADATA_PARAMETER, AS_OF_PARAMETER and KNOWN_ON_PARAMETER -> what stands for it till then.
        """
        changing = {
            contract.DATA_PARAMETER: source.path,
            contract.METADATA_PARAMETER: source.metadata_path,
            contract.AS_OF_PARAMETER: chunks.as_of,
            contract.KNOWN_ON_PARAMETER: source.known_on,
        }
        spec = BarsExampleGenSpec(
            **{
                **changing,
                **(parameters or {}),
                executor.SOURCE_KEY: _to_json(source.to_properties()),
                executor.VALIDATION_KEY: _to_json(dataclasses.asdict(validation)),
                executor.CHUNKS_KEY: _to_json(
                    {key: value for key, value in dataclasses.asdict(chunks).items() if key not in _OWN_KEYS}
                ),
                executor.NUM_SHARDS_KEY: chunks.num_shards,
                **market_property(),
                contract.FINGERPRINT_PROPERTY: input_fingerprint,
                standard_component_specs.EXAMPLES_KEY: types.Channel(type=standard_artifacts.Examples),
                executor.REPORT_KEY: types.Channel(type=IngestReport),
            }
        )
        super().__init__(spec=spec)

    @staticmethod
    def fingerprint(source: SourceConfig) -> str:
        """Returns the fingerprint of what the source holds now."""
        return parts.fingerprint(source)


def _to_json(config: Mapping[str, Any]) -> str:
    """Returns JSON that is the same whenever the config is."""
    return json.dumps(config, sort_keys=True)
