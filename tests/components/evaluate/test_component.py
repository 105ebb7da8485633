"""The Evaluator's executor for real: figures, blessing, slices, and the comparison with a champion."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf

from tfx.components.evaluator import constants  # noqa: E402
from tfx.proto import example_gen_pb2  # noqa: E402
from tfx.components.util import examples_utils  # noqa: E402
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs  # noqa: E402
from tfx.utils import json_utils, proto_utils  # noqa: E402

from components import contract  # noqa: E402
from components.evaluate import baselines  # noqa: E402
from components.evaluate.component import GatedExecutor  # noqa: E402
from components.evaluate.eval_config import make_eval_config  # noqa: E402
from components.evaluate.gate import GateConfig  # noqa: E402
from components.evaluate.results import EvaluationResults, read_results  # noqa: E402
from components.evaluate.scoreboard import ScoredChunk, Scoreboard, score_chunk  # noqa: E402
from components.evaluate.summary import summarise  # noqa: E402
from components.evaluate.verdict import reach_verdict  # noqa: E402
from components.ingest.chunks import Chunk  # noqa: E402
from components.ingest.examples import encode_chunk, write_records  # noqa: E402
from tests.components.evaluate import simulated_chunks, volatility_models  # noqa: E402

SCHEMA = pathlib.Path(__file__).parents[3] / "components" / "ingest" / "schema.pbtxt"
NORMAL = np.tile(baselines.NORMAL_QUANTILES, (len(contract.HORIZONS), 1))
GATE = GateConfig(min_skill_ewma=0.0005, max_champion_loss=0.001)
"""The simulated law leaves less to gain than real prices do."""
IN_MEMORY = ["--runner=DirectRunner", "--direct_running_mode=in_memory"]


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """What one run of the executor left."""

    results: EvaluationResults
    blessed: bool
    files: list[str]


class Bench:
    """Examples, schema and models in a folder, and the executor to run on them."""

    def __init__(self, folder: pathlib.Path, chunks: list[Chunk], base: np.ndarray) -> None:
        self._folder = folder
        self.chunks = chunks
        self.base = base
        split = folder / "examples" / "Split-test"
        split.mkdir(parents=True)
        half = len(chunks) // 2
        for index, part in enumerate((chunks[:half], chunks[half:])):
            write_records(str(split / f"chunks-{index:05d}-of-00002.gz"), map(encode_chunk, part))
        (folder / "schema").mkdir()
        shutil.copy(SCHEMA, folder / "schema")
        self._num_runs = 0

    def save(self, name: str, **options: Any) -> None:
        """Saves a model under a name."""
        settings = {"quantiles": self.base, "spread": 1.0, "knows_garch": False} | options
        model = volatility_models.VolatilityModel(self.base, **settings)
        volatility_models.save_model(model, str(self._folder / name / "Format-Serving"))

    def run(self, model: str, champion: str = "", config: GateConfig = GATE) -> Evaluated:
        """Runs the executor; no champion is an artifact marked absent."""
        self._num_runs += 1
        output = self._folder / f"run-{self._num_runs}"
        examples = self._artifact(standard_artifacts.Examples, self._folder / "examples")
        examples.split_names = artifact_utils.encode_split_names(list(contract.SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        baseline = self._artifact(standard_artifacts.Model, self._folder / (champion or "absent"))
        baseline.set_int_custom_property(contract.ABSENT_PROPERTY, int(not champion))
        blessing = self._artifact(standard_artifacts.ModelBlessing, output / "blessing")
        evaluation = self._artifact(standard_artifacts.ModelEvaluation, output / "evaluation")
        executor = GatedExecutor(GatedExecutor.Context(beam_pipeline_args=list(IN_MEMORY)))
        executor.Do(
            {
                standard_component_specs.EXAMPLES_KEY: [examples],
                standard_component_specs.MODEL_KEY: [
                    self._artifact(standard_artifacts.Model, self._folder / model)
                ],
                standard_component_specs.BASELINE_MODEL_KEY: [baseline],
                standard_component_specs.SCHEMA_KEY: [
                    self._artifact(standard_artifacts.Schema, self._folder / "schema")
                ],
            },
            {
                standard_component_specs.EVALUATION_KEY: [evaluation],
                standard_component_specs.BLESSING_KEY: [blessing],
            },
            {
                standard_component_specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(make_eval_config(config)),
                standard_component_specs.EXAMPLE_SPLITS_KEY: json_utils.dumps([contract.TEST_SPLIT]),
            },
        )
        return Evaluated(
            read_results(evaluation.uri),
            bool(blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)),
            sorted(os.listdir(blessing.uri)),
        )

    @staticmethod
    def _artifact(kind: Any, path: pathlib.Path) -> Any:
        path.mkdir(parents=True, exist_ok=True)
        artifact = kind()
        artifact.uri = str(path)
        return artifact


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Six simulated tickers of two sectors, two models."""
    bars, _ = simulated_chunks.simulate_tickers(6, 1500, seed=1)
    base = simulated_chunks.learn_base_quantiles(bars)
    bench = Bench(tmp_path_factory.mktemp("bench"), simulated_chunks.cut_test_chunks(bars), base)
    bench.save("untrained")
    bench.save("garch", quantiles=NORMAL, knows_garch=True)
    return bench


def test_a_good_model_is_blessed(bench: Bench) -> None:
    evaluated = bench.run("garch")
    print({k: v for k, v in evaluated.results.candidate.items() if k.endswith("h1") or "_h" not in k})
    verdict = reach_verdict(evaluated.results.candidate, GATE, evaluated.results.champion)
    print(verdict.reasons)
    assert evaluated.blessed
    assert evaluated.results.champion is None


def test_a_model_that_equals_the_baseline_is_refused(bench: Bench) -> None:
    evaluated = bench.run("untrained")
    assert not evaluated.blessed
    assert abs(evaluated.results.candidate["skill_ewma_h1"]) < 1e-6
