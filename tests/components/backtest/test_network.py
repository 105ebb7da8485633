"""The network of a fold: pure of the past, equal to the exported model, learning from train only."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components import contract
from components.backtest.classical import EwmaEmpirical
from components.backtest.memory_chunks import MemoryChunks
from components.backtest.network import FittedNetwork, Network
from components.errors import InputError
from components.ingest.bars import TickerBars, iso_date
from components.ingest.chunks import ChunkConfig
from components.train.config import ModelConfig, TrainConfig
from components.train.dataset import Chunk, ChunkSource
from tests.components.backtest.price_paths import draw_returns, make_bars, replace_after
from tests.components.train.prepared import build_opinionated_network, save_and_load

pytestmark = pytest.mark.tf

FIRST = contract.LOOKBACK
BARS = make_bars(draw_returns(400, 7), "CCC")
TRAIN = {name: make_bars(draw_returns(900, seed), name) for seed, name in enumerate(("AAA", "BBB"))}
EVAL_START = iso_date(int(TRAIN["AAA"].dates[600]))
QUICK = TrainConfig(steps=6, warmup_steps=2, validation_every=3, crop_days=63, batch_crops=4)


@pytest.fixture(scope="module")
def fitted():
    base = EwmaEmpirical().fit(TRAIN).base_quantiles.astype(np.float32)
    return FittedNetwork(build_opinionated_network(), base)


def test_forecasts_are_pure_functions_of_the_past(fitted):
    whole = fitted.forecast(BARS, FIRST)
    for day in (FIRST, FIRST + 77, len(BARS) - 2):
        changed = fitted.forecast(replace_after(BARS, day), FIRST)
        np.testing.assert_array_equal(changed[: day - FIRST + 1], whole[: day - FIRST + 1])
        assert (changed[day - FIRST + 1] != whole[day - FIRST + 1]).any(), "the next day does see its bar"


def test_a_history_cut_at_a_day_gives_that_days_forecast(fitted):
    whole = fitted.forecast(BARS, FIRST)
    cut = fitted.forecast(BARS.slice(0, FIRST + 51), FIRST)
    np.testing.assert_allclose(cut, whole[:51], atol=1e-6)


def test_an_untrained_network_is_the_ewma_baseline():
    config = Network(ModelConfig(), TrainConfig(**{**vars(QUICK), "learning_rate": 1e-12}), 756, EVAL_START)
    before_eval = {ticker: bars.slice(0, 600) for ticker, bars in TRAIN.items()}
    expected = EwmaEmpirical().fit(before_eval).forecast(BARS, FIRST)
    np.testing.assert_allclose(config.fit(TRAIN).forecast(BARS, FIRST), expected, rtol=2e-3, atol=1e-6)


def test_the_seed_decides_and_nothing_else():
    configs = [
        Network(ModelConfig(), TrainConfig(**{**vars(QUICK), "seed": seed}), 756, EVAL_START)
        for seed in (1, 1, 2)
    ]
    first, again, other = (config.fit(TRAIN).forecast(BARS, FIRST) for config in configs)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (np.diff(first, axis=-1) > 0.0).all()


def test_nothing_to_choose_by():
    late = Network(ModelConfig(), QUICK, 756, "2001-02-01")
    with pytest.raises(InputError, match="more than 265 bars to learn from"):
        late.fit(TRAIN)


def test_chunks_in_memory_equal_those_of_the_pipeline(prepared):
    for split in (contract.TRAIN_SPLIT, contract.EVAL_SPLIT):
        expected = ChunkSource([prepared.splits[split]], prepared.transform)
        bars = _join_bars(prepared)
        own = MemoryChunks(bars.values(), ChunkConfig(), split)
        assert own.count_chunks() == expected.count_chunks()
        assert own.count_bytes() == pytest.approx(expected.count_bytes(), rel=0.2)
        for mine, theirs in zip(_sort(own.chunks()), _sort(expected.chunks()), strict=True):
            np.testing.assert_array_equal(mine.mask, theirs.mask)
            np.testing.assert_allclose(mine.features, theirs.features, atol=1e-5)
            np.testing.assert_allclose(mine.labels, theirs.labels, rtol=1e-4, atol=1e-4)


def test_forecasts_equal_those_of_the_exported_model(prepared, tmp_path):
    network = build_opinionated_network()
    evaluate = save_and_load(network, prepared, tmp_path)[contract.EVALUATE_SIGNATURE]
    example = prepared.read(contract.EVAL_SPLIT)[0]
    served = evaluate(tf.constant([example.SerializeToString()]))
    fitted = FittedNetwork(network, served[contract.BASE_QUANTILES].numpy()[0])
    own = fitted.forecast(_to_bars(example), contract.LOOKBACK)
    np.testing.assert_allclose(own, served[contract.RETURN_QUANTILES].numpy()[0], rtol=1e-6, atol=1e-8)


def _sort(chunks: tf.data.Dataset) -> list[Chunk]:
    """In an order that rounding does not change."""
    return sorted(chunks, key=lambda chunk: chunk.features[0].numpy().round(3).tolist())


def _to_bars(example: tf.train.Example) -> TickerBars:
    feature = example.features.feature
    columns = {name: np.array(feature[name].float_list.value) for name in contract.BAR_COLUMNS}
    dates = np.array(feature[contract.DATE].int64_list.value)
    return TickerBars(feature[contract.TICKER].bytes_list.value[0].decode(), "", dates, **columns)


def _join_bars(prepared) -> dict[str, TickerBars]:
    """Each ticker's bars, put together from its chunks of all splits."""
    parts: dict[str, dict[int, list[float]]] = {}
    for split in contract.SPLITS:
        for example in prepared.read(split):
            bars = _to_bars(example)
            own = parts.setdefault(bars.ticker, {})
            for index, day in enumerate(bars.dates.tolist()):
                own[day] = [getattr(bars, name)[index] for name in contract.BAR_COLUMNS]
    joined = {}
    for ticker, days in parts.items():
        dates = sorted(days)
        columns = np.array([days[day] for day in dates]).T
        named = dict(zip(contract.BAR_COLUMNS, columns, strict=True))
        joined[ticker] = TickerBars(ticker, "", np.array(dates), **named)
    return joined
