"""The rehearsal passes a model that keeps the contract, and refuses each that breaks it in one place."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from components import contract
from components.rehearse.replay import Rehearsal, RehearsalConfig
from components.rehearse.report import RehearsalReport

pytestmark = pytest.mark.tf

GENEROUS = RehearsalConfig(latency_budget_ms=1e6, num_timed_requests=5)
"""Of the figures that a busy machine makes larger, none may refuse."""


@pytest.fixture(name="tiny", scope="module")
def fixture_tiny() -> ModuleType:
    from tests.components.rehearse import tiny_model

    return tiny_model


@pytest.fixture(name="model")
def fixture_model(tiny: ModuleType, tmp_path: pathlib.Path) -> pathlib.Path:
    folder: pathlib.Path = tiny.save(tiny.TinyModule(), tmp_path / "model")
    return folder


def _rehearse(model: pathlib.Path, config: RehearsalConfig = GENEROUS) -> RehearsalReport:
    return Rehearsal(str(model), config).run()


def _edit_golden(model: pathlib.Path, output: str, value: Any) -> None:
    path = model / contract.ASSETS_EXTRA / contract.GOLDEN_FILE
    golden = json.loads(path.read_text())
    golden["expected"][1][output] = value(golden["expected"][1][output])
    path.write_text(json.dumps(golden))


def test_a_good_model_passes_every_check(model: pathlib.Path) -> None:
    report = _rehearse(model)
    assert report.reasons == ()
    assert report.passed
    assert len(report.checks) == 6
    assert set(report.figures) == {
        "latency_budget_ms",
        "load_seconds",
        "first_forecast_ms",
        "largest_difference",
        "latency_p50_ms",
        "latency_p95_ms",
    }
    assert report.figures["largest_difference"] <= GENEROUS.tolerance
    assert 0.0 < report.figures["latency_p50_ms"] <= report.figures["latency_p95_ms"]


@pytest.mark.parametrize(
    ("output", "value", "fragment"),
    [
        (contract.MODEL_VERSION, lambda _: "another", "model_version must be the golden another, got"),
        (contract.LAST_CLOSE, lambda closes: [closes[0] * 1.001], "last_close must be the golden"),
        (
            contract.RETURN_QUANTILES,
            lambda rows: [[[q * 1.0001 for q in levels] for levels in rows[0]]],
            "return_quantiles must be the golden ones within 1e-05",
        ),
        (contract.PRICE_QUANTILES, lambda rows: rows[0], "price_quantiles must have shape (1, 5, 7)"),
    ],
)
def test_a_wrong_golden_answer_refuses(model: pathlib.Path, output: str, value: Any, fragment: str) -> None:
    _edit_golden(model, output, value)
    report = _rehearse(model)
    assert not report.passed
    assert any(fragment in reason for reason in report.reasons)
    assert any(reason.startswith("T1: ") for reason in report.reasons)


def test_no_golden_forecasts_refuse(model: pathlib.Path) -> None:
    (model / contract.ASSETS_EXTRA / contract.GOLDEN_FILE).unlink()
    [reason] = _rehearse(model).reasons
    assert contract.GOLDEN_FILE in reason


def test_a_missing_signature_refuses(tiny: ModuleType, tmp_path: pathlib.Path) -> None:
    report = _rehearse(tiny.save(tiny.ForecastOnlyModule(), tmp_path / "model"))
    assert report.reasons == ("signature serving_default must be there, got none of that name; export it",)


def test_a_model_that_refuses_nothing_is_refused(tiny: ModuleType, tmp_path: pathlib.Path) -> None:
    report = _rehearse(tiny.save(tiny.UncheckedModule(), tmp_path / "model"))
    [check] = [check for check in report.checks if not check.passed]
    assert check.name == "bad requests are refused"
    for signature in (contract.FORECAST_SIGNATURE, contract.DEFAULT_SIGNATURE):
        for title in ("259 bars", "a NaN in close", "a zero in adj_close", "a negative number in volume"):
            assert any(f"{signature} with {title} must be INVALID_ARGUMENT" in p for p in check.problems)


def test_rows_that_see_each_other_are_refused(tiny: ModuleType, tmp_path: pathlib.Path) -> None:
    report = _rehearse(tiny.save(tiny.LookaroundModule(), tmp_path / "model"))
    [check] = [check for check in report.checks if not check.passed]
    assert check.name == "many rows, longer rows and tf.Examples get the same forecasts"


def test_examples_without_a_row_in_every_output_are_refused(tiny: ModuleType, tmp_path: pathlib.Path) -> None:
    report = _rehearse(tiny.save(tiny.RowlessModule(), tmp_path / "model"))
    [check] = [check for check in report.checks if not check.passed]
    assert all("through serving_default: output" in problem for problem in check.problems)
    assert any("model_version must have a row for each of" in problem for problem in check.problems)


def test_a_slow_model_is_refused(model: pathlib.Path) -> None:
    report = _rehearse(model, RehearsalConfig(latency_budget_ms=1e-3, num_timed_requests=5))
    [reason] = report.reasons
    assert "must take at most 0.001 ms, got " in reason


def test_the_clean_process_imports_nothing_of_the_training() -> None:
    program = (
        "import sys, components.rehearse.replay; assert 'tensorflow' not in sys.modules; "
        "import components.rehearse.loaded_model; "
        "print(*(m for m in sys.modules if m.startswith('components.')))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(ended.stdout.split()) == {
        "components.contract",
        "components.rehearse",
        "components.rehearse.comparison",
        "components.rehearse.loaded_model",
        "components.rehearse.replay",
        "components.rehearse.report",
        "components.rehearse.requests",
    }
