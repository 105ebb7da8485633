"""Tuner: raw bars in, the parameters with the least pinball loss on rolling folds out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components import contract
from components.tune import executor
from components.tune.config import TuneSettings


class TunerSpec(types.ComponentSpec):
    """Parameters and output of Tuner."""

    PARAMETERS: ClassVar = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        contract.DATA_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.METADATA_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.AS_OF_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.KNOWN_ON_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.FINGERPRINT_PROPERTY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar = {
        standard_component_specs.BEST_HYPERPARAMETERS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.HyperParameters
        )
    }


class Tuner(base_component.BaseComponent):
    """Searches with KerasTuner; TFX's own Tuner reads examples, whose splits are no rolling folds.

    Output: `best_hyperparameters` (standard HyperParameters), which BarsTrainer takes.
    """

    SPEC_CLASS = TunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        settings: TuneSettings,
        input_fingerprint: str = "",
        parameters: Mapping[str, data_types.RuntimeParameter] | None = None,
    ) -> None:
        """Makes the component.

        Args:
          settings: all that a search goes by.
          input_fingerprint: of the bars, where the caller can read them; the cache goes by it.
          parameters: what is known only when the run starts: DATA_PARAMETER, METADATA_PARAMETER,
            AS_OF_PARAMETER, KNOWN_ON_PARAMETER.
        """
        changing = {
            contract.DATA_PARAMETER: settings.source.path,
            contract.METADATA_PARAMETER: settings.source.metadata_path,
            contract.AS_OF_PARAMETER: settings.chunks.as_of,
            contract.KNOWN_ON_PARAMETER: settings.source.known_on,
        }
        key = standard_component_specs.BEST_HYPERPARAMETERS_KEY
        spec = TunerSpec(
            **{
                **changing,
                **(parameters or {}),
                executor.SETTINGS_KEY: json.dumps(dataclasses.asdict(settings), sort_keys=True),
                contract.FINGERPRINT_PROPERTY: input_fingerprint,
                key: types.Channel(type=standard_artifacts.HyperParameters),
            }
        )
        super().__init__(spec=spec)
