"""The market of a day: by hand, against a slow reference, blind to the future, equal in the examples."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import pytest

from components import contract
from components.ingest.bars import day_number
from components.ingest.chunks import ChunkConfig
from components.ingest.market_table import NO_MARKET, NO_SUMS, DaySums, MarketTable
from components.ingest.source_config import SourceConfig
from components.transform.market_config import ALONE, MarketConfig
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after
from tests.fixtures.simulated_bars import simulate_garch_bars

pytestmark = pytest.mark.tf

NUM_BARS = 300
FIRST = 201
"""The first bar with 200 returns before it."""
UNIVERSE = {
    **{f"T{n}": make_bars(draw_returns(NUM_BARS - 1, n), f"T{n}") for n in range(3)},
    "NEW": make_bars(draw_returns(249, 9), "NEW", "2001-02-20"),
}
ON = MarketConfig(enabled=True, min_tickers=3)


def find(bars, config=ON) -> MarketTable:
    from components.ingest.market import find_market

    return find_market(bars.values(), config)


def test_a_day_of_two_tickers_by_hand():
    import tensorflow as tf

    from components.transform.market import UNIT, combine

    # Standardised returns 1 and -2, volatilities 1 and 3 %: mean -0.5, of the absolutes 1.5, of the
    # squares 2.5, so the dispersion is sqrt(2.5 - 0.25); the mean volatility is 2 %, the typical one 1.5 %.
    parts = [[1.0, 1.0, 1.0, 0.01], [-2.0, 2.0, 4.0, 0.03]]
    sums = [2, *(round(sum(column) * UNIT) for column in zip(*parts, strict=True))]
    market = combine(tf.constant([sums], tf.int64), 2).numpy()[0]
    np.testing.assert_allclose(market, [-0.5, 1.5, math.log(2 / 1.5), 1.5, 1.0], rtol=1e-6)
    assert not combine(tf.constant([sums], tf.int64), 3).numpy().any()


def test_equals_a_slow_reference_on_its_own_features():
    from components.transform.ticker_features import compute_features

    table = find(UNIVERSE)
    derived = {name: compute_features(bars) for name, bars in UNIVERSE.items()}
    for position, day in ((FIRST, UNIVERSE["T0"].dates[FIRST]), (NUM_BARS - 1, UNIVERSE["T0"].dates[-1])):
        returns, volatilities = [], []
        for name, bars in UNIVERSE.items():
            index = int(np.searchsorted(bars.dates, day))
            if index >= FIRST and index < len(bars) and bars.dates[index] == day:
                returns.append(float(derived[name][0][index, 0]))
                volatilities.append(float(derived[name][1][index]))
        assert len(returns) == (3 if position == FIRST else 4), "the new one joins with a past of its own"
        expected = [
            np.mean(returns),
            np.mean(np.abs(returns)),
            math.log(np.mean(volatilities) / 0.015),
            np.std(returns),
            1.0,
        ]
        np.testing.assert_allclose(table.look_up(np.array([day]))[0], expected, atol=1e-6)


def test_days_without_enough_tickers_or_of_none_have_no_market():
    table = find(UNIVERSE)
    early = UNIVERSE["T0"].dates[[0, FIRST - 1]]
    assert not table.look_up(early).any()
    assert not table.look_up(np.array([day_number("1990-01-01"), day_number("2030-01-01")])).any()
    alone = find({"T0": UNIVERSE["T0"]})
    assert not alone.look_up(UNIVERSE["T0"].dates).any()
    assert not NO_MARKET.look_up(early).any()
    assert find(UNIVERSE, ALONE) is None
    short = find({name: bars.slice(0, 150) for name, bars in UNIVERSE.items()})
    assert not short.look_up(UNIVERSE["T0"].dates).any()


def assert_blind_to_the_future(market) -> None:
    """Asserts that noise after a day, in whichever ticker, changes no bit up to it, and some after it."""
    days = UNIVERSE["T0"].dates
    before = market(UNIVERSE)
    for name, last in (("T0", FIRST), ("T2", 250), ("NEW", 230)):
        changed = market(UNIVERSE | {name: replace_after(UNIVERSE[name], last)})
        kept = days <= UNIVERSE[name].dates[last]
        np.testing.assert_array_equal(changed[kept], before[kept])
        assert (changed[~kept] != before[~kept]).any()


def test_noise_after_a_day_in_any_ticker_changes_no_market_up_to_it():
    assert_blind_to_the_future(lambda bars: find(bars).look_up(UNIVERSE["T0"].dates))


def test_the_proof_fails_for_a_market_that_sees_tomorrow():
    def peek(bars):
        table = find(bars)
        return MarketTable(table.days[:-1], table.values[1:]).look_up(UNIVERSE["T0"].dates)

    with pytest.raises(AssertionError):
        assert_blind_to_the_future(peek)


def test_neither_order_nor_grouping_changes_a_bit_and_the_first_bar_does_not_matter():
    from components.ingest.market import sum_ticker

    whole = find(UNIVERSE)
    backwards = find(dict(reversed(UNIVERSE.items())))
    np.testing.assert_array_equal(whole.values, backwards.values)
    own = [sum_ticker(bars) for bars in UNIVERSE.values()]
    grouped = own[3].merge(own[1]).merge(NO_SUMS).merge(own[0].merge(own[2]))
    single = functools.reduce(DaySums.merge, own)
    np.testing.assert_array_equal(grouped.days, single.days)
    np.testing.assert_array_equal(grouped.sums, single.sums)
    late = find({name: bars.slice(30, len(bars)) for name, bars in UNIVERSE.items()})
    common = UNIVERSE["NEW"].dates[FIRST + 30 :]
    np.testing.assert_allclose(late.look_up(common), whole.look_up(common), atol=1e-6)


def test_a_market_takes_two():
    with pytest.raises(ValueError, match=r"market.min_tickers must be at least 2, got 1; one ticker"):
        MarketConfig(min_tickers=1)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> SourceConfig:
    """Bars of five tickers, of which one comes late and one has too few."""
    frame = simulate_garch_bars(num_tickers=5, num_days=420, seed=3)
    order = frame.groupby(contract.TICKER).cumcount()
    late = (frame[contract.TICKER] == "S003") & (order < 60)
    few = (frame[contract.TICKER] == "S004") & (order < 200)
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    frame[~late & ~few].to_csv(path, index=False)
    return SourceConfig(str(path), "")


CHUNKS = ChunkConfig(chunk_days=100, eval_start="2001-05-01", test_start="2001-07-02")


def read(written) -> dict[tuple[str, str, int], dict[str, np.ndarray]]:
    """By split, ticker and first day: what the market needs."""
    found = {}
    for split in contract.SPLITS:
        for example in written.read(split):
            feature = example.features.feature
            dates = np.array(feature[contract.DATE].int64_list.value)
            ticker = feature[contract.TICKER].bytes_list.value[0].decode()
            market = np.array(feature[contract.MARKET].float_list.value, np.float32)
            found[split, ticker, int(dates[0])] = {"dates": dates, "market": market}
    return found


def test_examples_have_the_market_of_each_bar_where_it_is_wanted(source, tmp_path):
    from components.ingest.bars import ValidationConfig
    from components.ingest.panel import read_panel
    from tests.components.ingest.ingest_run import run_ingest

    plain = run_ingest(tmp_path / "plain", source, chunks=CHUNKS)
    first, again = (
        run_ingest(tmp_path / name, source, chunks=dataclasses.replace(CHUNKS, num_shards=shards), market=ON)
        for name, shards in (("first", 1), ("again", 3))
    )
    panel = read_panel(source, ValidationConfig())
    assert sorted(panel.bars) == ["S000", "S001", "S002", "S003"]
    table = find(panel.bars)
    examples = read(first)
    assert examples.keys() == read(plain).keys() == read(again).keys()
    num_with = 0
    for key, example in examples.items():
        np.testing.assert_array_equal(example["market"], table.look_up(example["dates"]).ravel())
        np.testing.assert_array_equal(example["market"], read(again)[key]["market"])
        num_with += int(example["market"].any())
    assert num_with == len(examples)
    assert not any(len(example["market"]) for example in read(plain).values())


def test_the_latest_bars_have_the_market_too():
    import tensorflow as tf

    from components.infer.latest_bars import cut_latest
    from components.ingest.bars import Piece
    from components.ingest.beam_examples import Cleaned
    from components.ingest.reference import ReferenceData
    from components.ingest.row_blocks import join_pieces

    bars = UNIVERSE["T1"]
    table = find(UNIVERSE)
    lines, values = np.arange(len(bars)), np.zeros((len(bars), len(contract.BAR_COLUMNS)))
    rows = join_pieces("T1", [Piece("bars.csv", lines, bars.dates, values)])
    for market, expected in ((table, table.look_up(bars.dates[-260:]).ravel()), (None, [])):
        [(_, record)], _ = cut_latest(Cleaned("T1", bars, (), rows), market, ReferenceData())
        feature = tf.train.Example.FromString(record).features.feature
        np.testing.assert_array_equal(feature[contract.MARKET].float_list.value, expected)
