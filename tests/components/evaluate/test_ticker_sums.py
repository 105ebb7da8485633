"""What is kept of a series of gains says what the series would."""

from __future__ import annotations

import functools
import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.evaluate.metrics import NEWEY_WEST_LAGS, diebold_mariano
from components.evaluate.ticker_sums import Gains


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(0, 4 * NEWEY_WEST_LAGS),
    cuts=st.lists(st.floats(0.0, 1.0), max_size=6),
    seed=st.integers(0, 9),
)
def test_the_test_is_that_of_the_whole_series_wherever_it_is_cut(
    count: int, cuts: list[float], seed: int
) -> None:
    series = np.random.default_rng(seed).normal(0.3, 1.0, count)
    series[1:] += 0.5 * series[:-1]
    pieces = np.split(series, sorted(round(cut * count) for cut in cuts))
    kept = functools.reduce(operator.add, map(Gains.of, pieces))
    assert kept.count == count
    np.testing.assert_allclose(kept.parts, Gains.of(series).parts, rtol=1e-12, atol=1e-12)
    assert kept.diebold_mariano() == pytest.approx(diebold_mariano(series), rel=1e-9, nan_ok=True)


def test_a_model_that_is_the_baseline_gains_nothing() -> None:
    assert Gains.of(np.zeros(30)).diebold_mariano() == diebold_mariano(np.zeros(30)) == 0.0
