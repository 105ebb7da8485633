"""A model that sees the market: the same in ingest and in a request, and what a ticker alone gets."""

from __future__ import annotations

import numpy as np
import pytest

from components import contract
from components.ingest.chunks import ChunkConfig
from components.transform.market_config import MarketConfig
from tests.fixtures.simulated_bars import simulate_garch_bars

pytestmark = pytest.mark.tf

NUM_TICKERS = 5
MARKET = MarketConfig(enabled=True, min_tickers=3)
DATES = {"eval_start": "2001-06-01", "test_start": "2001-08-01"}
M = len(contract.MARKET_FEATURES)
QUANTILES = contract.RETURN_QUANTILES


@pytest.fixture(scope="module")
def universe(tmp_path_factory):
    """The pipeline up to Transform, the schema's check included, on five tickers with a market."""
    from tests.components.train.prepared import prepare

    folder = tmp_path_factory.mktemp("universe")
    simulate_garch_bars(NUM_TICKERS, 480, seed=4).to_csv(folder / "bars.csv", index=False)
    overrides = ['source.metadata_path=""', "market.enabled=true", "market.min_tickers=3"]
    overrides += [f"chunks.{name}={day}" for name, day in DATES.items()]
    return prepare(folder, folder / "bars.csv", *overrides)


@pytest.fixture(scope="module")
def signatures(universe, tmp_path_factory):
    """A SavedModel of a network with random corrections that sees the market."""
    from components.train.dataset import count_features
    from tests.components.train.prepared import build_opinionated_network, save_and_load

    network = build_opinionated_network(count_features(has_market=True))
    return save_and_load(network, universe, tmp_path_factory.mktemp("model"), MARKET)


@pytest.fixture(scope="module")
def chunks(universe):
    """The test chunk of each ticker, all of the same days."""
    return universe.read(contract.TEST_SPLIT)


def make_request(chunks, stop: int) -> dict:
    """All chunks' LOOKBACK bars before position `stop`, with their days."""
    import tensorflow as tf

    features = [chunk.features.feature for chunk in chunks]
    window = slice(stop - contract.LOOKBACK, stop)
    bars = {
        name: tf.constant([feature[name].float_list.value[window] for feature in features])
        for name in contract.BAR_COLUMNS
    }
    dates = tf.constant([feature[contract.DATE].int64_list.value[window] for feature in features], tf.int64)
    tickers = tf.constant([feature[contract.TICKER].bytes_list.value[0] for feature in features])
    return {contract.TICKER: tickers, contract.DATE: dates, **bars}


def without_days(request: dict) -> dict:
    return {name: tensor for name, tensor in request.items() if name != contract.DATE}


def ask(signatures, name: str, request: dict) -> dict[str, np.ndarray]:
    return {key: tensor.numpy() for key, tensor in signatures[name](**request).items()}


def change_market(chunk, change):
    """A copy of a chunk with another market [bars, M]; None takes it out."""
    changed = type(chunk).FromString(chunk.SerializeToString())
    market = np.array(chunk.features.feature[contract.MARKET].float_list.value, np.float32).reshape(-1, M)
    del changed.features.feature[contract.MARKET]
    if (given := change(market)) is not None:
        changed.features.feature[contract.MARKET].float_list.value.extend(given.ravel().tolist())
    return changed


def evaluate(signatures, chunk) -> np.ndarray:
    import tensorflow as tf

    examples = tf.constant([chunk.SerializeToString()])
    return signatures[contract.EVALUATE_SIGNATURE](examples=examples)[QUANTILES].numpy()[0]


def forget_first(market):
    """A request's first day of the network's lacks one of the 200 returns before: it has no market."""
    market[contract.LOOKBACK - 60 + 1] = 0.0
    return market


def test_a_universe_in_one_request_sees_the_market_of_the_ingest(signatures, chunks):
    answer = ask(signatures, contract.UNIVERSE_SIGNATURE, make_request(chunks, contract.LOOKBACK + 1))
    expected = [evaluate(signatures, change_market(chunk, forget_first))[0] for chunk in chunks]
    alone = [evaluate(signatures, change_market(chunk, lambda _: None))[0] for chunk in chunks]
    np.testing.assert_allclose(answer[QUANTILES], expected, atol=1e-5)
    assert np.abs(answer[QUANTILES] - alone).max() > 1e-4, "the market makes a difference"
    assert answer[contract.HAS_MARKET].tolist() == [1.0] * NUM_TICKERS


def test_a_ticker_alone_gets_the_forecast_of_a_day_without_a_market(signatures, chunks):
    for chunk in chunks[:2]:
        request = make_request([chunk], contract.LOOKBACK + 1)
        answer = ask(signatures, contract.FORECAST_SIGNATURE, without_days(request))
        for change in (np.zeros_like, lambda _: None):
            expected = evaluate(signatures, change_market(chunk, change))[0]
            np.testing.assert_allclose(answer[QUANTILES][0], expected, atol=1e-6)
        assert answer[contract.HAS_MARKET].tolist() == [0.0]


def test_another_tickers_last_bar_changes_a_universes_forecast_and_no_lone_one(signatures, chunks):
    import tensorflow as tf

    request = make_request(chunks, contract.LOOKBACK + 1)
    close = request[contract.ADJ_CLOSE].numpy().copy()
    close[1, -1] *= 1.1
    changed = request | {contract.ADJ_CLOSE: tf.constant(close)}
    others = [0, 2, 3, 4]
    before, after = (ask(signatures, contract.UNIVERSE_SIGNATURE, r)[QUANTILES] for r in (request, changed))
    assert (before[others] != after[others]).any(axis=(1, 2)).all()
    before, after = (
        ask(signatures, contract.FORECAST_SIGNATURE, without_days(r))[QUANTILES] for r in (request, changed)
    )
    np.testing.assert_array_equal(before[others], after[others])
    assert (before[1] != after[1]).any()


def test_fewer_tickers_than_a_market_takes_are_forecast_each_alone(signatures, chunks):
    few, enough = (make_request(chunks[:number], contract.LOOKBACK + 1) for number in (2, 3))
    answer = ask(signatures, contract.UNIVERSE_SIGNATURE, few)
    alone = ask(signatures, contract.FORECAST_SIGNATURE, without_days(few))
    assert answer.keys() == alone.keys()
    np.testing.assert_array_equal(answer[QUANTILES], alone[QUANTILES])
    assert answer[contract.HAS_MARKET].tolist() == [0.0, 0.0]
    assert ask(signatures, contract.UNIVERSE_SIGNATURE, enough)[contract.HAS_MARKET].tolist() == [1.0] * 3


def test_tickers_of_other_days_are_no_market(signatures, chunks):
    import tensorflow as tf

    request = make_request(chunks[:3], contract.LOOKBACK + 1)
    dates = request[contract.DATE].numpy()
    apart = dates + np.array([[0], [1000], [2000]])
    answer = ask(signatures, contract.UNIVERSE_SIGNATURE, request | {contract.DATE: tf.constant(apart)})
    assert not answer[contract.HAS_MARKET].any()
    alone = ask(signatures, contract.FORECAST_SIGNATURE, without_days(request))
    np.testing.assert_array_equal(answer[QUANTILES], alone[QUANTILES])


def test_a_universe_that_is_none_is_refused(signatures, chunks):
    import tensorflow as tf

    request = make_request(chunks[:3], contract.LOOKBACK + 1)
    dates = request[contract.DATE]
    for wrong, said in (
        ({contract.DATE: dates[:, ::-1]}, "date must be one a day, oldest first"),
        ({contract.DATE: dates[:, 1:]}, "date must have the shape of close"),
        ({contract.TICKER: tf.constant(["A", "B", "A"])}, "must have each ticker once"),
        ({contract.CLOSE: -request[contract.CLOSE]}, "close must be positive"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=said):
            ask(signatures, contract.UNIVERSE_SIGNATURE, request | wrong)


def test_examples_may_tell_the_market(signatures, chunks):
    import tensorflow as tf

    def serve(chunk) -> dict[str, np.ndarray]:
        examples = tf.constant([chunk.SerializeToString()])
        return ask(signatures, contract.DEFAULT_SIGNATURE, {contract.EXAMPLES_INPUT: examples})

    chunk = chunks[0]
    stop = len(chunk.features.feature[contract.CLOSE].float_list.value)
    lone = ask(signatures, contract.FORECAST_SIGNATURE, without_days(make_request([chunk], stop)))
    without = serve(change_market(chunk, lambda _: None))
    np.testing.assert_array_equal(without[QUANTILES], lone[QUANTILES])
    told = serve(chunk)
    assert told[contract.HAS_MARKET].tolist() == [1.0]
    assert np.abs(told[QUANTILES] - without[QUANTILES]).max() > 1e-4
    band = np.ptp(told[QUANTILES], axis=-1).max()
    assert np.abs(told[QUANTILES][0] - evaluate(signatures, chunk)[-1]).max() < 0.01 * band
    with pytest.raises(tf.errors.InvalidArgumentError, match="market must be of each bar, or left out"):
        serve(change_market(chunk, lambda market: market[1:]))


def test_without_market_features_there_is_no_such_signature(prepared, tmp_path):
    from tests.components.train.prepared import build_opinionated_network, save_and_load

    found = save_and_load(build_opinionated_network(), prepared, tmp_path)
    assert contract.UNIVERSE_SIGNATURE not in found
    assert contract.HAS_MARKET not in found[contract.FORECAST_SIGNATURE].structured_outputs


def test_chunks_on_disk_and_in_memory_have_the_same_market(universe):
    from components.backtest.memory_chunks import MemoryChunks
    from components.ingest.bars import ValidationConfig
    from components.ingest.market import find_market
    from components.ingest.panel import read_panel
    from components.ingest.source_config import SourceConfig
    from components.train.dataset import ChunkSource
    from components.transform import features as causal

    folder = universe.splits[contract.TRAIN_SPLIT].partition("/pipeline/")[0]
    panel = read_panel(SourceConfig(f"{folder}/bars.csv", ""), ValidationConfig())
    table = find_market(panel.bars.values(), MARKET)
    for split in (contract.TRAIN_SPLIT, contract.TEST_SPLIT):
        on_disk = ChunkSource([universe.splits[split]], universe.transform, has_market=True)
        in_memory = MemoryChunks(panel.bars.values(), ChunkConfig(**DATES), split, table)
        for mine, theirs in zip(in_memory.chunks(), on_disk.chunks(), strict=True):
            np.testing.assert_array_equal(
                mine.features[:, causal.NUM_FEATURES :], theirs.features[:, causal.NUM_FEATURES :]
            )
            np.testing.assert_allclose(mine.features, theirs.features, atol=1e-5)
            assert theirs.features.numpy()[:, -1].all()


def test_training_hides_the_market_of_a_share_of_the_crops(universe):
    from components.train.config import TrainConfig
    from components.train.dataset import ChunkSource, make_training_batches

    source = ChunkSource([universe.splits[contract.TRAIN_SPLIT]], universe.transform, has_market=True)
    shares = {}
    for hide_share in (0.0, 0.5, 0.999):
        config = TrainConfig(batch_crops=64, crop_days=20, hide_share=hide_share)
        batch, *_ = next(iter(make_training_batches(source, config)))
        market = batch.numpy()[:, :, -M:]
        hidden = ~market.any(axis=(1, 2))
        assert market[~hidden][:, :, -1].all(), "a crop has the market of all its days, or none"
        shares[hide_share] = hidden.mean()
    assert shares[0.0] == 0.0 and 0.25 < shares[0.5] < 0.75 and shares[0.999] > 0.9
