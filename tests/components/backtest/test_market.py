"""The market in a backtest: who takes part, what a fold may know, and that others' bars are read."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from components import contract
from components.backtest import walk
from components.backtest.config import WITHOUT_MARKET, BacktestConfig, BacktestSettings
from components.backtest.folds import FoldConfig, make_folds
from components.backtest.forecaster import meet_universe
from components.backtest.results import QUANTILE_COLUMNS, read_results
from components.backtest.walk import Entry
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import SourceConfig
from components.train.config import ModelConfig, TrainConfig
from components.transform.market_config import ALONE, MarketConfig
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after

pytestmark = pytest.mark.tf

ON = MarketConfig(enabled=True, min_tickers=2)
FIRST = contract.LOOKBACK
BARS = {name: make_bars(draw_returns(1300, seed), name) for seed, name in enumerate(("AAA", "BBB", "CCC"))}
FOLDS = make_folds(BARS, FoldConfig("2003-09-01", 1, 1))


def make_network(market):
    """A network of a fold that was not fitted, but has something to say."""
    from components.backtest.classical import learn_base_quantiles
    from components.backtest.network import FittedNetwork
    from components.train.dataset import count_features
    from tests.components.train.prepared import build_opinionated_network

    network = build_opinionated_network(count_features(market.enabled))
    base = learn_base_quantiles(BARS).astype(np.float32)
    return FittedNetwork(network, base, market)


class Stubborn:
    """Fits to the same network, whatever it is given."""

    name = contract.MODEL_NAME

    def fit(self, train):
        return make_network(ON)


def test_other_tickers_bars_are_read_up_to_the_day_and_no_further():
    fitted = make_network(ON)
    own = BARS["AAA"]
    whole = meet_universe(fitted, BARS).forecast(own, FIRST)
    alone = meet_universe(make_network(ALONE), BARS)
    for day in (FIRST + 9, 800):
        changed = BARS | {"BBB": replace_after(BARS["BBB"], day)}
        after = meet_universe(fitted, changed).forecast(own, FIRST)
        np.testing.assert_array_equal(after[: day - FIRST + 1], whole[: day - FIRST + 1])
        assert (after[day - FIRST + 1] != whole[day - FIRST + 1]).any()
    deaf = meet_universe(make_network(ALONE), BARS | {"BBB": replace_after(BARS["BBB"], 300)})
    np.testing.assert_array_equal(deaf.forecast(own, FIRST), alone.forecast(own, FIRST))


def test_a_walk_hands_out_no_bar_behind_the_fold(tmp_path):
    last = int(np.searchsorted(BARS["BBB"].dates, FOLDS[0].stop)) - 1
    tables = {}
    for name, bars in (("real", BARS), ("changed", BARS | {"BBB": replace_after(BARS["BBB"], last)})):
        list(walk.walk(bars, FOLDS[:1], lambda _: (Entry(Stubborn(), 1),), tmp_path / name))
        tables[name] = read_results(tmp_path / name).to_pandas()
    own = {name: table[table[contract.TICKER] == "AAA"] for name, table in tables.items()}
    names = list(QUANTILE_COLUMNS)
    np.testing.assert_array_equal(own["real"][names], own["changed"][names])


def test_a_fitted_network_has_the_market_of_its_train_bars():
    from components.backtest.network import Network
    from components.ingest.market import find_market

    train = TrainConfig(steps=2, warmup_steps=1, validation_every=1, crop_days=63, batch_crops=2)
    early = {name: bars.slice(0, 900) for name, bars in BARS.items()}
    network = Network(ModelConfig(units=2, layers=1), train, 756, "2002-12-01", ON, "any")
    fitted = network.fit(early)
    table = find_market(early.values(), ON)
    np.testing.assert_array_equal(fitted.market.values, table.values)
    assert fitted.network.input_shape[-1] == 15
    assert dataclasses.replace(network, market=ALONE).fit(early).market is None


def test_lightgbm_sees_the_same_market():
    from components.backtest.gradient_boosting import FittedGradientBoosting, cut_examples
    from components.ingest.market import find_market

    table = find_market(BARS.values(), ON)
    with_market, _ = cut_examples(BARS["AAA"], table)
    without, _ = cut_examples(BARS["AAA"])
    np.testing.assert_array_equal(with_market[:, : without.shape[1]], without)
    days = BARS["AAA"].dates[FIRST : FIRST + len(without)]
    np.testing.assert_array_equal(with_market[:, without.shape[1] :], table.look_up(days))
    met = meet_universe(FittedGradientBoosting(np.zeros((5, 7)), (), ON), BARS)
    np.testing.assert_array_equal(met.market.values, table.values)


def test_the_network_without_market_features_takes_part_where_they_are_on():
    from components.backtest.entries import choose_entries, describe_origin

    sections = (SourceConfig(), ValidationConfig(), ChunkConfig(), ModelConfig(), TrainConfig())
    found = {}
    for market in (ON, ALONE):
        settings = BacktestSettings(*sections, BacktestConfig(seeds=(1, 2)), market)
        entries = choose_entries(settings)(FOLDS[0])
        found[market] = [(entry.forecaster.name, entry.seed) for entry in entries if entry.seed]
        assert describe_origin(settings)["market"] == dataclasses.asdict(market)
    own = [(contract.MODEL_NAME, 1), (contract.MODEL_NAME, 2)]
    assert found == {ON: [*own, (WITHOUT_MARKET, 1), (WITHOUT_MARKET, 2)], ALONE: own}
