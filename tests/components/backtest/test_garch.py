"""GARCH and GJR-GARCH: pure of the past, equal to the package's own filter and forecast."""

from __future__ import annotations

import arch
import numpy as np
import pytest

from components import contract
from components.backtest.garch import Garch, GarchParameters, filter_variance, sum_variances
from components.errors import InputError
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after

FIRST = contract.LOOKBACK
TRUE = GarchParameters(0.05, 0.05, 0.05, 0.08, 0.88, 6.0)
BARS = make_bars(draw_returns(400, 7), "AAA")


def simulate(num: int, seed: int = 0) -> np.ndarray:
    """Returns in percent of the law TRUE."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_t(TRUE.freedom, num) * np.sqrt((TRUE.freedom - 2.0) / TRUE.freedom)
    returns, variance = np.empty(num), TRUE.unconditional_variance
    for day in range(num):
        error = np.sqrt(variance) * noise[day]
        returns[day] = TRUE.mean + error
        variance = TRUE.omega + (TRUE.alpha + TRUE.gamma * (error < 0.0)) * error**2 + TRUE.beta * variance
    return returns


@pytest.fixture(scope="module")
def train():
    return {name: make_bars(simulate(4000, seed) / 100.0, name) for seed, name in enumerate(("AAA", "BBB"))}


@pytest.fixture(scope="module", params=[False, True], ids=["garch", "gjr"])
def fitted(request, train):
    return Garch(request.param).fit(train)


def test_forecasts_are_pure_functions_of_the_past(fitted):
    whole = fitted.forecast(BARS, FIRST)
    assert whole.shape == (len(BARS) - FIRST, 5, 7) and (np.diff(whole, axis=-1) > 0.0).all()
    for day in (FIRST, FIRST + 77, len(BARS) - 2):
        changed = fitted.forecast(replace_after(BARS, day), FIRST)
        np.testing.assert_array_equal(changed[: day - FIRST + 1], whole[: day - FIRST + 1])
        assert (changed[day - FIRST + 1] != whole[day - FIRST + 1]).any(), "the next day does see its bar"
        cut = fitted.forecast(BARS.slice(0, day + 1), day)
        np.testing.assert_allclose(cut[0], whole[day - FIRST], rtol=1e-12)


def test_the_parameters_of_a_simulated_path_are_found(train):
    found = Garch(True).fit(train).parameters["AAA"]
    assert found.persistence == pytest.approx(TRUE.persistence, abs=0.03)
    assert found.gamma == pytest.approx(TRUE.gamma, abs=0.05)
    assert found.freedom == pytest.approx(TRUE.freedom, abs=2.0)
    assert Garch().fit(train).parameters["AAA"].gamma == 0.0


def test_the_variance_equals_a_slow_filter_and_the_packages_forecast():
    returns = simulate(600, 3)
    variance = filter_variance(returns, TRUE)
    slow = [TRUE.unconditional_variance]
    for value in returns:
        error = value - TRUE.mean
        slow.append(TRUE.omega + (TRUE.alpha + TRUE.gamma * (error < 0)) * error**2 + TRUE.beta * slow[-1])
    np.testing.assert_allclose(variance, slow, rtol=1e-10)
    model = arch.arch_model(returns, mean="Constant", vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False)
    fixed = model.fix([TRUE.mean, TRUE.omega, TRUE.alpha, TRUE.gamma, TRUE.beta, TRUE.freedom])
    np.testing.assert_allclose(variance[200:-1], fixed.conditional_volatility[200:] ** 2, rtol=1e-4)
    ahead = fixed.forecast(horizon=5, reindex=False).variance.to_numpy()[0]
    np.testing.assert_allclose(sum_variances(variance[-1:], TRUE)[0], np.cumsum(ahead), rtol=1e-4)


def test_a_ticker_that_is_new_takes_the_medians(train):
    fitted = Garch().fit(train | {"NEW": make_bars(draw_returns(300), "NEW")})
    assert set(fitted.parameters) == {"AAA", "BBB"}
    own = [parameters.beta for parameters in fitted.parameters.values()]
    assert fitted.medians.beta == pytest.approx(np.median(own))
    new, old = (fitted.forecast(make_bars(draw_returns(400, 7), name), FIRST) for name in ("NEW", "AAA"))
    assert (new != old).any()


def test_a_variance_that_never_forgets_stays_finite():
    wild = GarchParameters(0.0, 0.01, 0.1, 0.0, 0.9, 5.0)
    assert np.isfinite(sum_variances(filter_variance(simulate(500), wild), wild)).all()


def test_too_little_to_learn_from():
    with pytest.raises(InputError, match="garch_t needs a ticker with at least 500 returns before the fold"):
        Garch().fit({"AAA": make_bars(draw_returns(400))})
