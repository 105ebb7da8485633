"""The walk: each part once, made from what was known, taken up where it stopped."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from components import contract
from components.backtest import results, walk
from components.backtest.classical import EwmaEmpirical, Historical
from components.backtest.config import BacktestConfig
from components.backtest.folds import FoldConfig, make_folds
from components.backtest.results import Part
from components.backtest.walk import Entry
from components.errors import InputError
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after

BARS = {
    "AAA": make_bars(draw_returns(1500), "AAA"),
    "NEW": make_bars(draw_returns(500, 1), "NEW", "2003-11-01"),
}
FOLDS = make_folds(BARS, FoldConfig("2004-01-01", 1, 1))
ENTRIES = (Entry(Historical()), Entry(EwmaEmpirical()))


def go(folder, bars=BARS, entries=ENTRIES):
    return list(walk.walk(bars, FOLDS, lambda _: entries, folder))


def test_every_part_is_made_in_order_and_once(tmp_path):
    made = go(tmp_path)
    expected = [Part(fold.name, name) for fold in FOLDS for name in ("historical", "ewma_empirical")]
    assert made == expected == walk.list_parts(FOLDS, lambda _: ENTRIES)
    assert go(tmp_path) == []
    table = results.read_results(tmp_path).to_pandas()
    keys = [contract.TICKER, results.ORIGIN, contract.HORIZON, results.MODEL]
    assert not table.duplicated(keys).any()
    first_days = table.groupby(contract.TICKER)[results.ORIGIN].min().astype(str).to_dict()
    assert first_days["AAA"] == "2004-01-01"
    assert first_days["NEW"] == str(np.datetime64("2003-11-01") + contract.LOOKBACK)


def test_a_stopped_walk_goes_on_and_ends_with_the_same_rows(tmp_path):
    go(tmp_path / "whole")
    broken = walk.walk(BARS, FOLDS, lambda _: ENTRIES, tmp_path / "broken")
    next(broken), next(broken), next(broken)
    broken.close()
    assert len(go(tmp_path / "broken")) == 2 * len(FOLDS) - 3
    whole, again = (results.read_results(tmp_path / name) for name in ("whole", "broken"))
    assert whole.equals(again)


def test_forecasts_of_a_fold_do_not_change_with_what_comes_after_it(tmp_path):
    last = int(np.searchsorted(BARS["AAA"].dates, FOLDS[0].stop)) - 1
    changed = BARS | {"AAA": replace_after(BARS["AAA"], last)}
    go(tmp_path / "real")
    go(tmp_path / "changed", changed)
    names = list(results.QUANTILE_COLUMNS)
    first, second = (
        results.read_results(tmp_path / name).to_pandas().query("ticker == 'AAA'")
        for name in ("real", "changed")
    )
    early = first[results.FOLD].astype(str) == FOLDS[0].name
    np.testing.assert_array_equal(first[early][names], second[early][names])
    assert (first[~early][names].to_numpy() != second[~early][names].to_numpy()).any()


def test_a_folder_is_of_one_backtest(tmp_path):
    walk.claim_folder(tmp_path / "new", {"bars": "a", "train": {"steps": 3}})
    walk.claim_folder(tmp_path / "new", {"bars": "a", "train": {"steps": 3}})
    with pytest.raises(InputError, match="results of the same backtest, got some of other code, train; give"):
        walk.claim_folder(tmp_path / "new", {"bars": "a", "train": {"steps": 4}, "code": "b"})
    assert json.loads((tmp_path / "new" / walk.ORIGIN_FILE).read_text())["train"] == {"steps": 3}
    (tmp_path / "new" / walk.ORIGIN_FILE).write_text("{")
    with pytest.raises(InputError, match="got some of other bars"):
        walk.claim_folder(tmp_path / "new", {"bars": "a"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"models": ("arima",)}, "backtest.models must name some of marketcast, random_walk,"),
        ({"models": ()}, "got none; choose among them"),
        ({"models": ("historical", "historical")}, "each once, got historical, historical"),
        ({"seeds": ()}, r"backtest.seeds must be whole numbers from 0, each once, got \[\]"),
        ({"seeds": (1, 1)}, "each once"),
        ({"seeds": (-1,)}, "from 0"),
        ({"fold_years": 0}, "fold_years must be at least 1"),
    ],
)
def test_a_config_that_cannot_be(given, said):
    with pytest.raises(ValueError, match=said):
        BacktestConfig(**given)
    assert dataclasses.asdict(BacktestConfig())["seeds"] == (1,)
