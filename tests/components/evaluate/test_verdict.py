"""The verdict: one check each that passes or fails, and what the user is told."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from components import contract
from components.evaluate.gate import CHAMPION_METRIC, Check, GateConfig, list_checks
from components.evaluate.summary import metric_names
from components.evaluate.verdict import CheckResult, Verdict, reach_verdict

GATE = GateConfig()
GOOD = dict.fromkeys(metric_names(), 0.5) | {
    "pinball_h1": 0.004,
    "skill_ewma_h1": 0.0145,
    "dm_t_ewma_h1": 5.3,
    "skill_historical_h1": 0.048,
    "coverage_90_h1": 0.888,
    "coverage_80_h1": 0.783,
    "coverage_50_h1": 0.497,
    "worst_ticker_coverage_90": 0.855,
    "median_price_skill_h1": 0.0,
    "quantile_crossings": 0.0,
    "direction_h1": 0.511,
    "leak_skill": 0.0145,
}
"""The figures that were measured once."""

# From forecasting's gate table: metric, least and greatest value that is blessed.
TABLE = [
    ("skill_ewma_h1", 0.005, None),
    ("dm_t_ewma_h1", 2.0, None),
    ("skill_historical_h1", 0.015, None),
    ("coverage_90_h1", 0.87, 0.93),
    ("coverage_80_h1", 0.77, 0.83),
    ("coverage_50_h1", 0.46, 0.54),
    ("worst_ticker_coverage_90", 0.83, None),
    ("median_price_skill_h1", -0.001, 0.01),
    ("quantile_crossings", None, 0.0),
    ("direction_h1", None, 0.56),
    ("leak_skill", None, 0.04),
]


def _failed(verdict: Verdict) -> list[str]:
    return [check.metric for check in verdict.checks if not check.passed]


def _of_champion(verdict: Verdict) -> CheckResult:
    (check,) = [check for check in verdict.checks if check.metric == CHAMPION_METRIC]
    return check


def test_the_checks_are_those_of_the_table() -> None:
    checks = {check.metric: check for check in list_checks(GATE)}
    assert list(checks) == [metric for metric, _, _ in TABLE]
    for metric, lower, upper in TABLE:
        assert checks[metric].lower == pytest.approx(lower)
        assert checks[metric].upper == pytest.approx(upper)
        assert metric in metric_names()


def test_the_measured_figures_are_blessed() -> None:
    verdict = reach_verdict(GOOD, GATE)
    assert verdict.blessed
    assert verdict.reasons == ()
    assert len(verdict.checks) == len(TABLE) + 1


@pytest.mark.parametrize(("metric", "lower", "upper"), TABLE)
def test_a_figure_on_its_bound_passes_and_beyond_it_fails_alone(
    metric: str, lower: float | None, upper: float | None
) -> None:
    for bound, outward in ((lower, -1.0), (upper, 1.0)):
        if bound is not None:
            assert reach_verdict(GOOD | {metric: bound - outward * 1e-9}, GATE).blessed
            assert _failed(reach_verdict(GOOD | {metric: bound + outward * 1e-6}, GATE)) == [metric]


@pytest.mark.parametrize("metric", [metric for metric, _, _ in TABLE])
def test_a_figure_that_is_missing_or_no_number_fails(metric: str) -> None:
    missing = {name: value for name, value in GOOD.items() if name != metric}
    for figures in (missing, GOOD | {metric: math.nan}):
        verdict = reach_verdict(figures, GATE)
        assert _failed(verdict) == [metric]
        assert not verdict.blessed
        assert "got no figure" in verdict.reasons[0]


def test_no_figures_at_all() -> None:
    verdict = reach_verdict({}, GATE)
    assert len(_failed(verdict)) == len(TABLE)
    json.dumps(verdict.to_json(), allow_nan=False)


def test_without_a_champion_its_check_is_listed_and_passes() -> None:
    check = _of_champion(reach_verdict(GOOD, GATE))
    assert (check.passed, check.figure, check.shown) == (True, None, "none yet")


@pytest.mark.parametrize(
    ("champion", "passed"),
    [
        (0.004, True),
        (0.005, True),
        (0.004 / 1.0009, True),
        (0.004 / 1.0011, False),
        (0.0, False),
        (math.nan, False),
    ],
)
def test_a_champion_is_compared_on_its_loss(champion: float, passed: bool) -> None:
    verdict = reach_verdict(GOOD, GATE, GOOD | {CHAMPION_METRIC: champion})
    assert verdict.blessed is passed
    assert _of_champion(verdict).passed is passed
    assert _failed(verdict) == ([] if passed else [CHAMPION_METRIC])


def test_equal_to_the_champion_reads_as_no_change() -> None:
    check = _of_champion(reach_verdict(GOOD, GATE, GOOD))
    assert (check.shown, check.bound) == ("0.00 %", "<= 0.10 %")


def test_a_refusal_says_which_figure_against_which_bound() -> None:
    verdict = reach_verdict(GOOD | {"coverage_90_h1": 0.80123, "dm_t_ewma_h1": 1.234}, GATE)
    assert verdict.reasons == (
        "its Diebold-Mariano t must be >= 2, got 1.23",
        "days inside the 90 % band must be 87.00 % to 93.00 %, got 80.12 %",
    )


def test_the_baselines_stand_beside_the_model_at_each_horizon() -> None:
    figures = GOOD | {"pinball_h3": 0.0071, "pinball_ewma_h3": 0.0072, "skill_ewma_h3": math.nan}
    model, ewma, normal, historical = reach_verdict(figures, GATE).baselines
    assert model["pinball"][2] == 0.0071
    assert ewma["pinball"][2] == 0.0072
    assert ewma["skill"][2] is None
    assert ewma["skill"][0] == GOOD["skill_ewma_h1"]
    assert all(len(row["pinball"]) == len(contract.HORIZONS) for row in (model, ewma, normal, historical))


def test_the_verdict_is_json() -> None:
    verdict = reach_verdict(GOOD | {"leak_skill": math.nan}, GATE, GOOD)
    read = json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    assert read["blessed"] is False
    assert [check["metric"] for check in read["checks"] if not check["passed"]] == ["leak_skill"]


@pytest.mark.parametrize("value", [-0.1, math.nan])
def test_bounds_must_be_numbers_from_zero_on(value: float) -> None:
    for field in dataclasses.fields(GateConfig):
        with pytest.raises(ValueError, match=f"gate.{field.name} must not be negative, got {value}"):
            GateConfig(**{field.name: value})


def test_every_check_has_a_bound() -> None:
    for check in list_checks(GATE):
        assert isinstance(check, Check)
        assert not (check.lower is None and check.upper is None)
