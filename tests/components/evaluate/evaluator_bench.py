"""Examples, schema and models in a folder, and the Evaluator's executor run on them. Imports TFX."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
from tfx.components.evaluator import constants
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.utils import json_utils, proto_utils

from components import contract
from components.evaluate.component import GatedExecutor
from components.evaluate.eval_config import make_eval_config
from components.evaluate.gate import GateConfig
from components.evaluate.results import EvaluationResults, read_results
from components.evaluate.verdict import Verdict, reach_verdict
from components.ingest.chunks import Chunk
from components.ingest.examples import encode_chunk
from tests.beam_arguments import BEAM_ARGUMENTS
from tests.components.evaluate.volatility_models import VolatilityModel, save_model
from tests.components.ingest.record_files import write_records

SCHEMA = pathlib.Path(__file__).parents[3] / "components" / "ingest" / "schema.pbtxt"


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """What one run of the executor left."""

    results: EvaluationResults
    verdict: Verdict
    blessed: bool
    blessing_files: list[str]


class EvaluatorBench:
    """Runs the executor on its own examples."""

    def __init__(self, folder: pathlib.Path, chunks: Sequence[Chunk], base: np.ndarray) -> None:
        """Writes the examples, in two files, and copies the schema.

        Args:
          folder: an empty one.
          chunks: of the test split.
          base: [horizons, levels] train quantiles in units of volatility * sqrt(horizon).
        """
        self._folder = folder
        self._base = base
        self._num_runs = 0
        split = folder / "examples" / f"Split-{contract.TEST_SPLIT}"
        split.mkdir(parents=True)
        for index, part in enumerate((chunks[::2], chunks[1::2])):
            write_records(str(split / f"chunks-{index:05d}-of-00002.gz"), map(encode_chunk, part))
        (folder / "schema").mkdir()
        shutil.copy(SCHEMA, folder / "schema")

    def save(self, name: str, quantiles: np.ndarray, spread: float = 1.0, knows_garch: bool = False) -> None:
        """Saves a VolatilityModel under a name."""
        model = VolatilityModel(self._base, quantiles, spread, knows_garch)
        save_model(model, str(self._folder / name / "Format-Serving"))

    def run(self, model: str, config: GateConfig, champion: str = "") -> Evaluated:
        """Runs the executor; without a champion its artifact is marked absent, as the resolver does."""
        self._num_runs += 1
        output = self._folder / f"run-{self._num_runs}"
        blessing = _artifact(standard_artifacts.ModelBlessing, output / "blessing")
        evaluation = _artifact(standard_artifacts.ModelEvaluation, output / "evaluation")
        GatedExecutor(GatedExecutor.Context(beam_pipeline_args=list(BEAM_ARGUMENTS))).Do(
            self._inputs(model, champion),
            {
                standard_component_specs.EVALUATION_KEY: [evaluation],
                standard_component_specs.BLESSING_KEY: [blessing],
            },
            {
                standard_component_specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(make_eval_config(config)),
                standard_component_specs.EXAMPLE_SPLITS_KEY: json_utils.dumps([contract.TEST_SPLIT]),
            },
        )
        results = read_results(evaluation.uri)
        return Evaluated(
            results,
            reach_verdict(results.candidate, config, results.champion),
            bool(blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)),
            os.listdir(blessing.uri),
        )

    def _inputs(self, model: str, champion: str) -> dict[str, list[Any]]:
        examples = _artifact(standard_artifacts.Examples, self._folder / "examples")
        examples.split_names = artifact_utils.encode_split_names([contract.TEST_SPLIT])
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        baseline = _artifact(standard_artifacts.Model, self._folder / (champion or "absent"))
        baseline.set_int_custom_property(contract.ABSENT_PROPERTY, int(not champion))
        return {
            standard_component_specs.EXAMPLES_KEY: [examples],
            standard_component_specs.MODEL_KEY: [_artifact(standard_artifacts.Model, self._folder / model)],
            standard_component_specs.BASELINE_MODEL_KEY: [baseline],
            standard_component_specs.SCHEMA_KEY: [
                _artifact(standard_artifacts.Schema, self._folder / "schema")
            ],
        }


def _artifact(kind: Any, path: pathlib.Path) -> Any:
    path.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(path)
    return artifact
