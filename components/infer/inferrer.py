"""ChampionInferrer: TFX's BulkInferrer, which says so where no model has been pushed."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.bulk_inferrer import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.proto import bulk_inferrer_pb2
from tfx.types import artifact_utils, standard_component_specs

from components import contract
from components.errors import ServingError

NODE_ID = "BulkInferrer"


class Executor(executor.Executor):
    """BulkInferrer's executor, after a look at the model."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the inference; see BaseBeamExecutor."""
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        if model.get_int_custom_property(contract.ABSENT_PROPERTY):
            raise ServingError(
                "the model base path must hold a pushed model, got none; run the training pipeline first"
            )
        super().Do(input_dict, output_dict, exec_properties)


class ChampionInferrer(component.BulkInferrer):
    """Asks the model in service for a forecast of each example.

    Output: `inference_result` (standard InferenceResult), a PredictionLog of each example. The signature is
    contract.DEFAULT_SIGNATURE, whose outputs have a row for each example, as tfx_bsl's RunInference wants.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: types.BaseChannel, model: types.BaseChannel) -> None:
        """Makes the component.

        Args:
          examples: of LatestBarsGen.
          model: of ChampionResolver.
        """
        super().__init__(
            examples=examples,
            model=model,
            model_spec=bulk_inferrer_pb2.ModelSpec(model_signature_name=[contract.DEFAULT_SIGNATURE]),
        )
