"""The Evaluator's executor for real: figures, slices, blessing, and the comparison with a champion."""

from __future__ import annotations

import functools
import json
import math
import pathlib
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from components import contract
from components.evaluate import baselines
from components.evaluate.gate import CHAMPION_METRIC, GateConfig
from components.evaluate.scoreboard import Scoreboard, ScoredChunk, score_chunk
from components.evaluate.summary import summarise
from components.ingest.chunks import Chunk
from tests.components.evaluate import simulated_chunks

if TYPE_CHECKING:
    from tests.components.evaluate.evaluator_bench import EvaluatorBench

pytestmark = pytest.mark.tf

NORMAL = np.tile(baselines.NORMAL_QUANTILES, (len(contract.HORIZONS), 1))
GATE = GateConfig(min_skill_ewma=0.0005)
"""The simulated law leaves less to gain than real prices do."""


class Simulated:
    """Six simulated tickers of two sectors."""

    def __init__(self) -> None:
        bars, _ = simulated_chunks.simulate_tickers(6, 1500, seed=1)
        self.base = simulated_chunks.learn_base_quantiles(bars)
        self.chunks = simulated_chunks.cut_test_chunks(bars)

    def figures_of_the_baseline(self, chunks: Sequence[Chunk]) -> dict[str, float]:
        """Figures of EWMA-empirical as a model, computed without TensorFlow."""
        boards = [score_chunk(self._as_scored(chunk)) for chunk in chunks]
        return summarise(functools.reduce(Scoreboard.merge, boards))

    def _as_scored(self, chunk: Chunk) -> ScoredChunk:
        days = slice(contract.LOOKBACK, None)
        adj_close = chunk.bars.adj_close.astype(np.float64)
        quantiles = baselines.ewma_empirical(baselines.ewma_volatility(adj_close)[days], self.base)
        close = chunk.bars.close[days].astype(np.float64)
        label, mask = chunk.label.astype(np.float64), chunk.label_mask.astype(np.float64)
        return ScoredChunk(
            chunk.bars.ticker, chunk.bars.dates[days], close, adj_close, label, mask, quantiles, self.base
        )


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return Simulated()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, simulated: Simulated) -> EvaluatorBench:
    """An untrained model, which is the baseline; one that knows the law; the same with too wide bands."""
    from tests.components.evaluate.evaluator_bench import EvaluatorBench

    bench = EvaluatorBench(tmp_path_factory.mktemp("bench"), simulated.chunks, simulated.base)
    bench.save("untrained", simulated.base)
    bench.save("good", NORMAL, knows_garch=True)
    bench.save("wide", NORMAL, spread=1.06, knows_garch=True)
    return bench


def test_an_untrained_model_equals_the_baseline_and_is_refused(
    bench: EvaluatorBench, simulated: Simulated
) -> None:
    evaluated = bench.run("untrained", GATE)
    assert not evaluated.blessed
    assert not evaluated.verdict.blessed
    assert evaluated.blessing_files == ["NOT_BLESSED"]
    assert len({chunk.num_target_days for chunk in simulated.chunks}) > 1
    _assert_close(evaluated.results.candidate, simulated.figures_of_the_baseline(simulated.chunks))

    assert set(evaluated.results.slices) == {contract.TICKER, contract.SECTOR}
    for column, slices in evaluated.results.slices.items():
        assert set(slices) == {getattr(chunk.bars, column) for chunk in simulated.chunks}
        for value, figures in slices.items():
            own = [chunk for chunk in simulated.chunks if getattr(chunk.bars, column) == value]
            _assert_close(figures, simulated.figures_of_the_baseline(own))


def test_a_model_that_knows_more_is_blessed_without_a_champion(bench: EvaluatorBench) -> None:
    evaluated = bench.run("good", GATE)
    assert evaluated.blessed
    assert evaluated.verdict.blessed
    assert evaluated.blessing_files == ["BLESSED"]
    assert evaluated.results.champion is None
    by_ticker = evaluated.results.slices[contract.TICKER].values()
    assert any(figures["dm_t_ewma_h1"] < GATE.min_dm_t for figures in by_ticker), "slices have no thresholds"


def test_a_model_worse_than_the_champion_is_refused_for_that_alone(bench: EvaluatorBench) -> None:
    evaluated = bench.run("wide", GATE, champion="good")
    assert [check.metric for check in evaluated.verdict.checks if not check.passed] == [CHAMPION_METRIC]
    assert not evaluated.blessed
    assert evaluated.results.champion is not None
    assert evaluated.results.champion["pinball_h1"] < evaluated.results.candidate["pinball_h1"]


def test_a_model_better_than_the_champion_is_blessed(bench: EvaluatorBench) -> None:
    evaluated = bench.run("good", GATE, champion="wide")
    assert evaluated.blessed
    assert evaluated.verdict.blessed
    assert evaluated.results.champion is not None
    assert evaluated.results.champion["pinball_h1"] > evaluated.results.candidate["pinball_h1"]


def test_without_test_examples_nothing_is_blessed(tmp_path: pathlib.Path, simulated: Simulated) -> None:
    from tests.components.evaluate.evaluator_bench import EvaluatorBench

    bench = EvaluatorBench(tmp_path, [], simulated.base)
    bench.save("untrained", simulated.base)
    evaluated = bench.run("untrained", GATE)
    assert not evaluated.blessed
    assert not evaluated.verdict.blessed
    assert evaluated.results.candidate == {}


def test_the_component_asks_for_the_test_split_and_carries_the_gate() -> None:
    from tfx import types
    from tfx.types import standard_artifacts, standard_component_specs

    from components.evaluate.component import GatedEvaluator, GatedExecutor

    kinds = {
        "examples": standard_artifacts.Examples,
        "model": standard_artifacts.Model,
        "champion": standard_artifacts.Model,
        "schema": standard_artifacts.Schema,
    }
    channels = {name: types.Channel(type=kind) for name, kind in kinds.items()}
    component = GatedEvaluator(**channels, config=GateConfig(min_dm_t=3.25))
    properties = component.spec.exec_properties
    assert json.loads(properties[standard_component_specs.EXAMPLE_SPLITS_KEY]) == [contract.TEST_SPLIT]
    assert "3.25" in str(properties[standard_component_specs.EVAL_CONFIG_KEY])
    assert component.executor_spec.executor_class is GatedExecutor


def _assert_close(figures: dict[str, float], expected: dict[str, float]) -> None:
    """The model works in float32 on its own volatility; a day's shift would be a hundred times as much."""
    assert figures.keys() == expected.keys()
    for name, value in expected.items():
        if name.startswith("dm_t_ewma"):
            continue  # of rounding errors only, here
        tolerance = 1e-3 if math.isfinite(value) and name.startswith("coverage") else 2e-5
        assert figures[name] == pytest.approx(value, rel=tolerance, abs=tolerance), name


def test_tfma_sees_types_and_no_ragged_tensors(tmp_path: pathlib.Path) -> None:
    from tfx.types import standard_artifacts, standard_component_specs
    from tfx.utils import io_utils

    from components.evaluate.component import use_plain_schema
    from tests.components.evaluate.evaluator_bench import SCHEMA

    given, own = tmp_path / "given", tmp_path / "own"
    for folder in (given, own):
        folder.mkdir()
    shutil.copy(SCHEMA, given)
    artifact = standard_artifacts.Schema()
    artifact.uri = str(given)
    inputs = use_plain_schema({standard_component_specs.SCHEMA_KEY: [artifact], "model": []}, str(own))
    assert set(inputs) == {standard_component_specs.SCHEMA_KEY, "model"}
    before, after = (io_utils.SchemaReader().read(str(folder / SCHEMA.name)) for folder in (given, own))
    assert inputs[standard_component_specs.SCHEMA_KEY][0].uri == str(own)
    assert before.tensor_representation_group
    assert not after.tensor_representation_group
    assert list(after.feature) == list(before.feature)
