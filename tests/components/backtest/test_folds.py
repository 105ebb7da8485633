"""Folds: every day forecast once, by what learnt from earlier days only."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from components import contract
from components.backtest.folds import FoldConfig, make_folds, take_forecast, take_train
from components.errors import InputError
from components.ingest.bars import day_number, iso_date
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after

BARS = {
    "AAA": make_bars(draw_returns(3000), "AAA", "2001-01-01"),
    "NEW": make_bars(draw_returns(600, 1), "NEW", "2007-08-01"),
}
CONFIG = FoldConfig(first_origin="2005-03-01", fold_years=2, eval_years=1)


def test_folds_follow_each_other_to_the_last_bar():
    folds = make_folds(BARS, CONFIG)
    assert [fold.name for fold in folds] == ["2005-03-01", "2007-03-01", "2009-03-01"]
    assert [iso_date(fold.eval_start) for fold in folds] == ["2004-03-01", "2006-03-01", "2008-03-01"]
    assert all(fold.stop == after.start for fold, after in itertools.pairwise(folds))
    assert folds[-1].stop == BARS["NEW"].dates[-1] + 1


def test_every_day_is_forecast_once_and_learnt_from_only_later():
    seen: dict[str, list[int]] = {ticker: [] for ticker in BARS}
    for fold in make_folds(BARS, CONFIG):
        train = take_train(BARS, fold)
        assert all(own.dates[-1] < fold.start for own in train.values())
        for ticker, bars in BARS.items():
            upto, first = take_forecast(bars, fold)
            assert first == len(upto) or (upto.dates[first] >= fold.start and first >= contract.LOOKBACK)
            seen[ticker] += upto.dates[first:].tolist()
    start = day_number(CONFIG.first_origin)
    for ticker, bars in BARS.items():
        expected = bars.dates[contract.LOOKBACK :]
        assert seen[ticker] == expected[expected >= start].tolist()


def test_train_ends_the_day_before_its_fold_and_knows_nothing_of_it():
    fold = make_folds(BARS, CONFIG)[1]
    train = take_train(BARS, fold)
    assert list(train) == ["AAA"], "the other had no bar by then"
    assert fold.start - train["AAA"].dates[-1] == 1
    changed = {ticker: replace_after(bars, len(train["AAA"]) - 1) for ticker, bars in BARS.items()}
    np.testing.assert_array_equal(take_train(changed, fold)["AAA"].adj_close, train["AAA"].adj_close)


def test_a_fold_names_its_crises():
    folds = make_folds(BARS, CONFIG)
    assert [fold.crises for fold in folds] == [[], ["financial crisis"], ["financial crisis"]]
    assert make_folds(BARS, FoldConfig("2009-03-10", 1, 1))[0].crises == []


def test_leap_days():
    folds = make_folds(BARS, FoldConfig("2004-02-29", 1, 1))
    assert [fold.name for fold in folds[:2]] == ["2004-02-29", "2005-02-28"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"first_origin": "2006-1-1"},
            "first_origin must be a day as 'YYYY-MM-DD', got '2006-1-1'",
        ),
        ({"first_origin": "20060101"}, "first_origin must be a day"),
        ({"fold_years": 0}, "fold_years must be at least 1, got 0; raise it"),
        ({"eval_years": -1}, "eval_years must be at least 1, got -1; raise it"),
    ],
)
def test_a_config_that_cannot_be(given, said):
    with pytest.raises(ValueError, match=said):
        FoldConfig(**given)


def test_origins_outside_the_bars():
    with pytest.raises(InputError, match=r"not be after the last bar \(2009-03-23\), got 2030-01-01; set it"):
        make_folds(BARS, FoldConfig("2030-01-01"))
    with pytest.raises(InputError, match="more than 265 bars before 2001-06-01, where the first fold's eval"):
        make_folds(BARS, FoldConfig("2003-06-01"))
