"""ForecastWriter: the inference's logs in, the analysts' file out."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.orchestration import data_types
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs

from components import contract
from components.infer.forecast_table import make_table, write_table
from components.infer.prediction_logs import read_forecasts

FORECASTS_KEY = "forecasts"
FORECASTS_FILE = "forecasts.parquet"
MODEL_VERSION_PROPERTY = "model_version"
NUM_ROWS_PROPERTY = "num_rows"


class Forecasts(types.Artifact):
    """Folder with FORECASTS_FILE, see forecast_table.make_table."""

    TYPE_NAME = "marketcast.Forecasts"


class Executor(base_executor.BaseExecutor):
    """Writes the table as an artifact, and where the user wants it."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes both; see BaseExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        result = artifact_utils.get_single_instance(input_dict[standard_component_specs.INFERENCE_RESULT_KEY])
        forecasts = artifact_utils.get_single_instance(output_dict[FORECASTS_KEY])
        arrays = read_forecasts(result.uri)
        table = make_table(arrays)
        os.makedirs(forecasts.uri, exist_ok=True)
        write_table(table, os.path.join(forecasts.uri, FORECASTS_FILE))
        write_table(table, exec_properties[contract.FORECASTS_DESTINATION_PARAMETER])
        forecasts.set_string_custom_property(MODEL_VERSION_PROPERTY, arrays.model_version)
        forecasts.set_int_custom_property(NUM_ROWS_PROPERTY, len(table))


class ForecastWriterSpec(types.ComponentSpec):
    """Parameter, input and output of ForecastWriter."""

    PARAMETERS: ClassVar = {
        contract.FORECASTS_DESTINATION_PARAMETER: component_spec.ExecutionParameter(type=str)
    }
    INPUTS: ClassVar = {
        standard_component_specs.INFERENCE_RESULT_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.InferenceResult
        )
    }
    OUTPUTS: ClassVar = {FORECASTS_KEY: component_spec.ChannelParameter(type=Forecasts)}


class ForecastWriter(base_component.BaseComponent):
    """Writes the forecasts of a universe as one table.

    Output: `forecasts` (Forecasts; custom properties model_version and num_rows).
    """

    SPEC_CLASS = ForecastWriterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, inference_result: types.BaseChannel, destination: str | data_types.RuntimeParameter
    ) -> None:
        """Makes the component.

        Args:
          inference_result: of ChampionInferrer.
          destination: file that ends in .parquet or .csv, or what stands for it until the run starts.
        """
        super().__init__(
            spec=ForecastWriterSpec(
                **{
                    contract.FORECASTS_DESTINATION_PARAMETER: destination,
                    standard_component_specs.INFERENCE_RESULT_KEY: inference_result,
                    FORECASTS_KEY: types.Channel(type=Forecasts),
                }
            )
        )
