"""GatedEvaluator: the stock Evaluator that knows a missing champion and writes readable results."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.components import Evaluator
from tfx.components.evaluator import executor as stock
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.utils import io_utils

from components import contract
from components.evaluate import gate
from components.evaluate.eval_config import CANDIDATE, CHAMPION, make_eval_config
from components.evaluate.results import EvaluationResults, write_results
from components.evaluate.tfma_metrics import FIGURES_BY_TICKER, unpack_figures

Artifacts = dict[str, list[types.Artifact]]


class GatedExecutor(stock.Executor):
    """Runs TFMA and leaves its figures as JSON beside TFMA's own files."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Evaluates; see tfx's Evaluator. A champion marked absent counts as none."""
        with tempfile.TemporaryDirectory() as own:
            super().Do(use_plain_schema(drop_absent(input_dict), own), output_dict, exec_properties)
        folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
        write_results(collect_results(folder), folder)


class GatedEvaluator(Evaluator):
    """Judges the model on the test split by the gate, beside the champion if there is one."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(GatedExecutor)

    def __init__(
        self,
        examples: types.Channel,
        model: types.Channel,
        champion: types.Channel,
        schema: types.Channel,
        config: gate.GateConfig,
    ) -> None:
        """Makes the component.

        Args:
          examples: chunk examples with a test split.
          model: the candidate.
          champion: the model in service, or an artifact marked absent.
          schema: of the examples.
          config: bounds of the gate.
        """
        super().__init__(
            examples=examples,
            model=model,
            baseline_model=champion,
            schema=schema,
            eval_config=make_eval_config(config),
            example_splits=[contract.TEST_SPLIT],
        )


def drop_absent(inputs: Artifacts) -> Artifacts:
    """Leaves out the inputs that stand for 'there is none'."""
    return {
        key: artifacts
        for key, artifacts in inputs.items()
        if not any(a.get_int_custom_property(contract.ABSENT_PROPERTY) for a in artifacts)
    }


def use_plain_schema(inputs: Artifacts, folder: str) -> Artifacts:
    """Has the schema of the examples say no more than their types, so that TFMA holds them as arrays.

    What is ragged it takes apart by TensorFlow ops, chunk by chunk (tfma.utils.util.split_extracts); that
    takes longer than the model's answers. The model reads the serialized examples, so it sees no difference.

    Args:
      inputs: of the Evaluator.
      folder: an empty one, for the schema.
    """
    given = artifact_utils.get_single_uri(inputs[standard_component_specs.SCHEMA_KEY])
    path = io_utils.get_only_uri_in_dir(given)
    schema = io_utils.SchemaReader().read(path)
    schema.ClearField("tensor_representation_group")
    io_utils.write_pbtxt_file(os.path.join(folder, os.path.basename(path)), schema)
    plain = standard_artifacts.Schema()
    plain.uri = folder
    return {**inputs, standard_component_specs.SCHEMA_KEY: [plain]}


def collect_results(folder: str) -> EvaluationResults:
    """Reads TFMA's metrics files: overall figures of each model, the candidate's by ticker and of slices.

    Without an example in the test split there are no figures, and TFMA does not bless.
    """
    overall: dict[str, dict[str, float]] = {}
    slices: dict[str, dict[str, dict[str, float]]] = {}
    for record in tfma.load_metrics(folder):
        keys = [(part.column, part.bytes_value.decode()) for part in record.slice_key.single_slice_keys]
        for model, figures in _figures_by_model(record).items():
            if not keys:
                overall[model] = figures
            elif model != CHAMPION:
                (column, value), *_ = keys
                slices.setdefault(column, {})[value] = figures
        if not keys:
            slices[contract.TICKER] = _figures_by_ticker(record)
    champion = overall.pop(CHAMPION, None)
    return EvaluationResults(overall.pop(CANDIDATE, {}), champion, slices)


def _figures_by_model(record: Any) -> dict[str, dict[str, float]]:
    """Figures of one slice by model; a model evaluated alone has no name in TFMA's keys."""
    figures: dict[str, dict[str, float]] = {}
    for item in record.metric_keys_and_values:
        if not item.key.is_diff and item.key.name != FIGURES_BY_TICKER:
            model = item.key.model_name or CANDIDATE
            figures.setdefault(model, {})[item.key.name] = item.value.double_value.value
    return figures


def _figures_by_ticker(record: Any) -> dict[str, dict[str, float]]:
    """The candidate's figures of each ticker out of those of all."""
    [packed] = [
        item.value.bytes_value
        for item in record.metric_keys_and_values
        if item.key.name == FIGURES_BY_TICKER and item.key.model_name != CHAMPION
    ]
    return unpack_figures(packed)
