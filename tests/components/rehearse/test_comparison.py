"""Answers that keep the contract, and each way of breaking it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from components import contract
from components.rehearse import comparison
from components.rehearse.requests import Arrays

RETURNS, PRICES = contract.RETURN_QUANTILES, contract.PRICE_QUANTILES
TOLERANCE = 1e-5


def make_answer(num_rows: int = 2) -> Arrays:
    """A good answer: the same quantiles, in returns, for each row."""
    levels = np.linspace(-0.03, 0.03, len(contract.QUANTILE_LEVELS))
    returns = np.float32(np.sqrt(contract.HORIZONS)[:, None] * levels)
    returns = np.broadcast_to(returns, (num_rows, *returns.shape)).copy()
    closes = np.arange(100, 100 + num_rows, dtype=np.float32)
    return {
        RETURNS: returns,
        PRICES: closes[:, None, None] * np.exp(returns),
        contract.LAST_CLOSE: closes,
        contract.QUANTILE_LEVELS_OUTPUT: np.asarray(contract.QUANTILE_LEVELS, np.float32),
        contract.HORIZONS_OUTPUT: np.asarray(contract.HORIZONS, np.int32),
        contract.MODEL_VERSION: np.asarray(b"v1", object),
    }


def to_forecast(answer: Arrays) -> dict[str, Any]:
    """An answer as the golden file holds it."""
    return {name: a.item().decode() if a.dtype == object else a.tolist() for name, a in answer.items()}


def test_a_good_answer_has_no_problem() -> None:
    answer = make_answer()
    assert comparison.check_answer(answer, 2) == []
    assert comparison.compare_forecasts(answer, to_forecast(answer), 0.0) == []
    assert comparison.largest_difference(answer, to_forecast(answer)) == 0.0


def _change(name: str, edit: Callable[[Any], Any]) -> Callable[[Arrays], Arrays]:
    return lambda answer: answer | {name: edit(answer[name].copy())}


def _set(value: float, *index: int) -> Callable[[Any], Any]:
    def edit(array: Any) -> Any:
        array[index] = value
        return array

    return edit


BAD_ANSWERS = {
    "an output is missing": (
        lambda answer: {name: array for name, array in answer.items() if name != contract.LAST_CLOSE},
        "output last_close must be ('float32', (2,)), got nothing",
    ),
    "an output too many": (lambda answer: answer | {"more": answer[RETURNS]}, "output more must be absent"),
    "another type": (_change(RETURNS, np.float64), "output return_quantiles must be ('float32', (2, 5, 7))"),
    "another shape": (_change(RETURNS, lambda a: a[..., :6]), "got ('float32', (2, 5, 6))"),
    "another number of rows": (
        lambda _: make_answer(3),
        "must be ('float32', (2, 5, 7)), got ('float32', (3",
    ),
    "other levels": (
        _change(contract.QUANTILE_LEVELS_OUTPUT, _set(0.06, 0)),
        "quantile_levels must be (0.05",
    ),
    "other horizons": (_change(contract.HORIZONS_OUTPUT, _set(6, 4)), "horizons must be (1, 2, 3, 4, 5)"),
    "quantiles that cross": (
        _change(RETURNS, _set(1.0, 1, 2, 3)),
        "return_quantiles must be finite and rise",
    ),
    "a NaN": (_change(PRICES, _set(np.nan, 1, 2, 3)), "price_quantiles must be finite and rise"),
    "an infinity": (_change(PRICES, _set(np.inf, 1, 2, 6)), "price_quantiles must be finite and rise"),
    "prices of another close": (
        _change(contract.LAST_CLOSE, lambda a: a * np.float32(1.001)),
        "price_quantiles must be last_close * exp(return_quantiles)",
    ),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_bad_answer_is_told(name: str) -> None:
    spoil, fragment = BAD_ANSWERS[name]
    assert any(fragment in problem for problem in comparison.check_answer(spoil(make_answer()), 2))


@pytest.mark.parametrize("name", [RETURNS, PRICES])
def test_tolerance_is_a_share_of_the_horizons_own_band(name: str) -> None:
    """A difference that is small against the widest band is not so against the narrowest."""
    answer = make_answer()
    band = answer[name][0, :, -1] - answer[name][0, :, 0]
    moved = answer | {name: answer[name] + 0}
    moved[name][0, 4, 3] += 0.9 * 0.01 * band[4]
    assert comparison.compare_forecasts(moved, to_forecast(answer), 0.01) == []
    moved[name][0, 4, 3] = answer[name][0, 4, 3]
    moved[name][0, 0, 3] += 0.9 * 0.01 * band[4]
    [problem] = comparison.compare_forecasts(moved, to_forecast(answer), 0.01)
    assert problem.startswith(f"{name} must be the golden ones within 0.01 of their band, got 0.02")


def test_a_rounding_of_a_price_is_no_difference_however_narrow_the_band() -> None:
    answer = make_answer()
    nudged = answer | {PRICES: np.nextafter(answer[PRICES], np.float32(np.inf))}
    assert comparison.compare_forecasts(nudged, to_forecast(answer), 0.0) == []
    doubled = answer | {PRICES: answer[PRICES] * np.float32(1 + 2e-6)}
    assert comparison.compare_forecasts(doubled, to_forecast(answer), 0.0)


def test_nan_is_no_golden_answer() -> None:
    answer = make_answer()
    expected = to_forecast(_change(RETURNS, _set(np.nan, 0, 0, 0))(answer))
    assert comparison.compare_forecasts(answer, expected, TOLERANCE)


def test_golden_without_an_output_is_told() -> None:
    answer = make_answer()
    expected = to_forecast(answer)
    del expected[contract.HORIZONS_OUTPUT]
    [problem] = comparison.compare_forecasts(answer, expected, TOLERANCE)
    assert problem.startswith("the golden horizons must have shape (5,), got none")


def test_joined_forecasts_are_the_rows_of_all() -> None:
    answer = make_answer(2)
    rows = [
        to_forecast({n: a[row : row + 1] if n in comparison.ROW_OUTPUTS else a for n, a in answer.items()})
        for row in range(2)
    ]
    assert comparison.compare_forecasts(answer, comparison.join_forecasts(rows), 0.0) == []
    assert comparison.compare_forecasts(answer, comparison.join_forecasts(rows[::-1]), TOLERANCE)


def test_signatures_are_held_against_the_contract() -> None:
    inputs = dict(comparison.SIGNATURE_INPUTS[contract.FORECAST_SIGNATURE])
    assert comparison.check_signature(contract.FORECAST_SIGNATURE, inputs) == []
    [missing] = comparison.check_signature(contract.FORECAST_SIGNATURE, None)
    assert missing.startswith("signature forecast must be there")
    del inputs[contract.LOW]
    wrong = inputs | {contract.HIGH: ("float64", (None, None)), "more": ("float32", (None,))}
    problems = comparison.check_signature(contract.FORECAST_SIGNATURE, wrong)
    assert [problem.split()[1] for problem in problems] == ["high", "low", "more"]
