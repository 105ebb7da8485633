"""Holds what a model says against its contract and against its golden forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components import contract
from components.rehearse.requests import Arrays, Forecast

ROUNDINGS = 4
"""Float32 roundings that two ways of one sum may lie apart, whatever the band's width."""
PRICE_TOLERANCE = 1e-5
"""Relative difference between a price quantile and last_close * exp(return quantile)."""

Tensors = Mapping[str, tuple[str, tuple[int | None, ...]]]
"""Name -> dtype and shape; None is an axis of any length."""

SIGNATURE_INPUTS: Mapping[str, Tensors] = {
    contract.FORECAST_SIGNATURE: {
        contract.TICKER: ("string", (None,)),
        **dict.fromkeys(contract.BAR_COLUMNS, ("float32", (None, None))),
    },
    contract.DEFAULT_SIGNATURE: {contract.EXAMPLES_INPUT: ("string", (None,))},
}
OUTPUT_TYPES = {
    contract.RETURN_QUANTILES: "float32",
    contract.PRICE_QUANTILES: "float32",
    contract.LAST_CLOSE: "float32",
    contract.QUANTILE_LEVELS_OUTPUT: "float32",
    contract.HORIZONS_OUTPUT: "int32",
    contract.MODEL_VERSION: "object",
}
"""NumPy dtype of each output; text comes as objects."""
MARKET_TYPES = {contract.HAS_MARKET: "float32"}
"""The same of the outputs that only a model with market features has."""
ROW_OUTPUTS = (
    contract.RETURN_QUANTILES,
    contract.PRICE_QUANTILES,
    contract.LAST_CLOSE,
    contract.HAS_MARKET,
)
"""Outputs with a batch axis; the others are the same for each row."""
QUANTILES = (contract.RETURN_QUANTILES, contract.PRICE_QUANTILES)


def check_signature(name: str, inputs: Tensors | None) -> list[str]:
    """Problems of a signature's inputs; None stands for a signature that is missing."""
    if inputs is None:
        return [f"signature {name} must be there, got none of that name; export it"]
    expected = SIGNATURE_INPUTS[name]
    return [
        f"input {tensor} of {name} must be {expected.get(tensor, 'absent')}, "
        f"got {inputs.get(tensor, 'nothing')}; export the contract's inputs"
        for tensor in sorted(expected.keys() | inputs.keys())
        if expected.get(tensor) != inputs.get(tensor)
    ]


def check_rows(answer: Arrays, num_rows: int) -> list[str]:
    """Problems of an answer that must have a row for each example in every output."""
    return [
        f"output {name} must have a row for each of {num_rows} examples, got {array.shape}; export it so"
        for name, array in sorted(answer.items())
        if array.shape[:1] != (num_rows,)
    ]


def share_rows(answer: Arrays) -> Arrays:
    """An answer of contract.DEFAULT_SIGNATURE as one in which the rows share what is the same for all.

    An output whose rows differ stays as it is; check_answer then finds its shape wrong.
    """
    shared = {name: array if name in ROW_OUTPUTS else _share(array) for name, array in answer.items()}
    text = shared[contract.MODEL_VERSION]
    return shared | {contract.MODEL_VERSION: text[0, ...] if text.shape == (1,) else text}


def check_answer(answer: Arrays, num_rows: int) -> list[str]:
    """Problems of an answer by itself: names, types, shapes, constants, order of the quantiles.

    Args:
      answer: outputs of a signature.
      num_rows: rows that were asked for.
    """
    problems = _check_tensors(answer, num_rows)
    if problems:
        return problems
    levels, horizons = answer[contract.QUANTILE_LEVELS_OUTPUT], answer[contract.HORIZONS_OUTPUT]
    if not np.array_equal(levels, np.asarray(contract.QUANTILE_LEVELS, np.float32)):
        problems.append(
            f"quantile_levels must be {contract.QUANTILE_LEVELS}, got {levels}; export the contract's"
        )
    if not np.array_equal(horizons, contract.HORIZONS):
        problems.append(f"horizons must be {contract.HORIZONS}, got {horizons}; export the contract's")
    for name in QUANTILES:
        num_wrong = np.sum(~np.isfinite(answer[name])) + np.sum(~(np.diff(answer[name], axis=-1) >= 0))
        if num_wrong:
            problems.append(
                f"{name} must be finite and rise with the level, got {num_wrong} that do not; mend the head"
            )
    prices = answer[contract.LAST_CLOSE][:, None, None] * np.exp(answer[contract.RETURN_QUANTILES])
    if not np.allclose(answer[contract.PRICE_QUANTILES], prices, rtol=PRICE_TOLERANCE, atol=0.0):
        problems.append(
            "price_quantiles must be last_close * exp(return_quantiles), got others; mend the signature"
        )
    return problems


def compare_forecasts(answer: Arrays, expected: Forecast, tolerance: float) -> list[str]:
    """Problems of an answer against the forecast that was expected.

    Args:
      answer: outputs that check_answer found no problem in.
      expected: as read_golden gives it, or join_forecasts.
      tolerance: greatest difference of a quantile, as a share of its horizon's band, besides ROUNDINGS;
        everything else must be equal.
    """
    problems = []
    for name in _types_of(answer):
        wanted = np.asarray(expected[name]) if name in expected else None
        if wanted is None or wanted.shape != answer[name].shape:
            shape = "none" if wanted is None else wanted.shape
            problems.append(
                f"the golden {name} must have shape {answer[name].shape}, got {shape}; "
                "write the golden file again"
            )
        elif name in QUANTILES:
            problems += _compare_quantiles(name, answer[name], wanted, tolerance)
        elif not np.array_equal(_to_text(answer[name]), _to_text(wanted)):
            problems.append(f"{name} must be the golden {wanted}, got {answer[name]}; export the model again")
    return problems


def largest_difference(answer: Arrays, expected: Forecast) -> float:
    """Greatest difference between quantiles of an answer and the expected ones, as a share of the band."""
    return max(
        float(np.max(np.abs(answer[name] - np.asarray(expected[name])) / _band(np.asarray(expected[name]))))
        for name in QUANTILES
    )


def join_forecasts(forecasts: Sequence[Forecast]) -> Forecast:
    """The forecast of one request that has the rows of all."""
    names = [name for name in ROW_OUTPUTS if name in forecasts[0]]
    rows: dict[str, Any] = {name: np.concatenate([f[name] for f in forecasts]) for name in names}
    return dict(forecasts[0]) | rows


def _share(array: Any) -> Any:
    return array[0, ...] if (array == array[:1]).all() else array


def _check_tensors(answer: Arrays, num_rows: int) -> list[str]:
    num_horizons, num_levels = len(contract.HORIZONS), len(contract.QUANTILE_LEVELS)
    shapes: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(QUANTILES, (num_rows, num_horizons, num_levels)),
        contract.LAST_CLOSE: (num_rows,),
        contract.HAS_MARKET: (num_rows,),
        contract.QUANTILE_LEVELS_OUTPUT: (num_levels,),
        contract.HORIZONS_OUTPUT: (num_horizons,),
        contract.MODEL_VERSION: (),
    }
    expected = {name: (dtype, shapes[name]) for name, dtype in _types_of(answer).items()}
    got = {name: (str(array.dtype), array.shape) for name, array in answer.items()}
    return [
        f"output {name} must be {expected.get(name, 'absent')}, got {got.get(name, 'nothing')}; "
        "export the contract's outputs"
        for name in sorted(expected.keys() | got.keys())
        if expected.get(name) != got.get(name)
    ]


def _types_of(answer: Arrays) -> dict[str, str]:
    """The outputs that an answer must have, by dtype."""
    optional = {name: dtype for name, dtype in MARKET_TYPES.items() if name in answer}
    return {**OUTPUT_TYPES, **optional}


def _compare_quantiles(name: str, answer: Any, wanted: Any, tolerance: float) -> list[str]:
    allowed = tolerance * _band(wanted) + ROUNDINGS * np.spacing(np.abs(wanted).astype(np.float32))
    difference = np.abs(answer - wanted)
    if (difference <= allowed).all():
        return []
    share = float(np.max(difference / _band(wanted)))
    problem = (
        f"{name} must be the golden ones within {tolerance:g} of their band, got {share:.3g} of it; "
        "find out what the exported model computes otherwise than the trained one"
    )
    return [problem]


def _band(quantiles: Any) -> Any:
    """Width between the outermost quantiles, [..., 1]; never zero."""
    return np.maximum(quantiles[..., -1:] - quantiles[..., :1], np.finfo(np.float32).tiny)


def _to_text(array: Any) -> Any:
    """Text as str, numbers as they are."""
    decoded = [item.decode() if isinstance(item, bytes) else item for item in array.reshape(-1).tolist()]
    return np.asarray(decoded).reshape(array.shape)
