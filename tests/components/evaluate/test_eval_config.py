"""TFMA's own validator and the printed verdict must never disagree."""

from __future__ import annotations

import math
from typing import Any

import pytest

from components.evaluate.gate import CHAMPION_METRIC, GateConfig, list_checks
from components.evaluate.verdict import reach_verdict
from tests.components.evaluate.test_verdict import GOOD, TABLE

pytestmark = pytest.mark.tf

GATE = GateConfig()
VALUES = {
    metric: [value for bound in (lower, upper) if bound is not None for value in (bound - 1e-6, bound + 1e-6)]
    for metric, lower, upper in TABLE
}


def _tfma_blesses(
    figures: dict[str, float], champion: dict[str, float] | None, slice_key: tuple[Any, ...] = ()
) -> bool:
    """What TFMA says of figures in one slice, its config read from JSON as in the executor."""
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis.evaluators import metrics_validator
    from tensorflow_model_analysis.proto import config_pb2
    from tfx.utils import proto_utils

    from components.evaluate.eval_config import CANDIDATE, CHAMPION, make_eval_config

    config = config_pb2.EvalConfig()
    proto_utils.json_to_proto(proto_utils.proto_to_json(make_eval_config(GATE)), config)
    config = tfma.utils.update_eval_config_with_defaults(
        config, has_baseline=champion is not None, rubber_stamp=True
    )
    tfma.utils.verify_eval_config(config)
    assert tfma.metrics.metric_thresholds_from_metrics_specs(config.metrics_specs, eval_config=config)

    def key(name: str, model: str, is_diff: bool = False) -> Any:
        return tfma.metrics.MetricKey(name, model_name=model, example_weighted=None, is_diff=is_diff)

    own = CANDIDATE if champion is not None else ""
    metrics = {key(name, own): value for name, value in figures.items()}
    for name, value in (champion or {}).items():
        metrics[key(name, CHAMPION)] = value
        metrics[key(name, CANDIDATE, is_diff=True)] = figures.get(name, math.nan) - value
    return bool(metrics_validator.validate_metrics((slice_key, metrics), config).validation_ok)


@pytest.mark.parametrize(("metric", "value"), [(name, value) for name in VALUES for value in VALUES[name]])
def test_tfma_blesses_what_the_verdict_blesses(metric: str, value: float) -> None:
    figures = GOOD | {metric: value}
    assert _tfma_blesses(figures, None) is reach_verdict(figures, GATE).blessed


def test_both_outcomes_were_compared() -> None:
    outcomes = {
        reach_verdict(GOOD | {metric: value}, GATE).blessed for metric in VALUES for value in VALUES[metric]
    }
    assert outcomes == {True, False}
    assert _tfma_blesses(GOOD, None)


@pytest.mark.parametrize("metric", [check.metric for check in list_checks(GATE)])
def test_tfma_refuses_what_is_missing_or_no_number(metric: str) -> None:
    assert not _tfma_blesses(GOOD | {metric: math.nan}, None)
    assert not _tfma_blesses({name: value for name, value in GOOD.items() if name != metric}, None)


@pytest.mark.parametrize("loss", [0.003, 0.004, 0.00401, 0.004 * 1.0009, 0.004 * 1.0011, math.nan])
def test_tfma_compares_with_the_champion_as_the_verdict_does(loss: float) -> None:
    figures = GOOD | {CHAMPION_METRIC: loss}
    assert _tfma_blesses(figures, GOOD) is reach_verdict(figures, GATE, GOOD).blessed
    assert _tfma_blesses(figures, None)


@pytest.mark.parametrize("loss", [0.0, math.nan])
def test_a_champion_without_a_loss_blesses_nobody(loss: float) -> None:
    champion = GOOD | {CHAMPION_METRIC: loss}
    assert not _tfma_blesses(GOOD, champion)
    assert not reach_verdict(GOOD, GATE, champion).blessed


def test_slices_have_no_thresholds() -> None:
    bad = dict.fromkeys(GOOD, -1.0)
    for slice_key in ((("ticker", "A"),), (("sector", "Energy"),)):
        assert _tfma_blesses(bad, GOOD, slice_key)
    assert not _tfma_blesses(bad, GOOD)
