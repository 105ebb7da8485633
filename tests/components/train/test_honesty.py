"""Proofs that nothing leaks: through the real Transform graph, network and SavedModel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from components import contract
from tests.conftest import ROOT

pytestmark = pytest.mark.tf


def replace_future(example, day: int, seed: int):
    """A copy of a chunk example in which every bar after target day `day` is noise."""
    noisy = type(example).FromString(example.SerializeToString())
    rng = np.random.default_rng(seed)
    for name in contract.BAR_COLUMNS:
        values = noisy.features.feature[name].float_list.value
        for position in range(contract.LOOKBACK + day + 1, len(values)):
            values[position] = float(np.exp(rng.normal(0.0, 2.0)) * values[position])
    return noisy


def ask_evaluate(signatures, example) -> dict[str, np.ndarray]:
    import tensorflow as tf

    answer = signatures[contract.EVALUATE_SIGNATURE](examples=tf.constant([example.SerializeToString()]))
    return {name: tensor.numpy()[0] for name, tensor in answer.items()}


def assert_causal(answer, example, day: int) -> None:
    """Asserts that noise after `day` changes no bit of an answer up to it, and that it changes the rest."""
    before, after = answer(example), answer(replace_future(example, day, seed=day))
    for name in (contract.RETURN_QUANTILES, contract.VOLATILITY):
        np.testing.assert_array_equal(before[name][: day + 1], after[name][: day + 1])
        assert not np.array_equal(before[name][day + 1 :], after[name][day + 1 :])


@pytest.mark.parametrize("day", [0, 1, 137, 400])
def test_noise_after_a_day_changes_no_bit_of_the_forecasts_up_to_it(prepared, signatures, day):
    for example in prepared.read(contract.TEST_SPLIT):
        assert_causal(lambda chunk: ask_evaluate(signatures, chunk), example, day)


def test_the_proof_fails_for_a_model_that_sees_tomorrow(prepared, signatures):
    def peek(example) -> dict[str, np.ndarray]:
        answer = ask_evaluate(signatures, example)
        close = np.array(example.features.feature[contract.ADJ_CLOSE].float_list.value)[contract.LOOKBACK :]
        tomorrow = np.append(np.diff(np.log(close)), 0.0)
        leaked = answer[contract.RETURN_QUANTILES] + 0.01 * tomorrow[:, None, None]
        return answer | {contract.RETURN_QUANTILES: leaked}

    with pytest.raises(AssertionError):
        assert_causal(peek, prepared.read(contract.TEST_SPLIT)[0], day=137)


def test_history_cut_off_after_a_day_gives_the_same_forecast_for_it(prepared, signatures):
    from tests.components.train.prepared import stack_bars

    example, day = prepared.read(contract.TEST_SPLIT)[0], 200
    stop = contract.LOOKBACK + day + 1
    whole = ask_evaluate(signatures, example)[contract.RETURN_QUANTILES][day]
    cut = type(example).FromString(example.SerializeToString())
    for name in contract.BAR_COLUMNS:
        del cut.features.feature[name].float_list.value[stop:]
    np.testing.assert_allclose(
        ask_evaluate(signatures, cut)[contract.RETURN_QUANTILES][day], whole, rtol=1e-5
    )
    request = stack_bars(example, stop, contract.LOOKBACK)
    served = signatures[contract.FORECAST_SIGNATURE](**request)[contract.RETURN_QUANTILES].numpy()[0]
    band = whole[:, -1] - whole[:, 0]
    assert np.max(np.abs(served - whole) / band[:, None]) < 0.01


def test_constants_learnt_on_train_ignore_eval_and_test_bars(prepared, tmp_path):
    from components.train.dataset import ChunkSource
    from tests.components.train.prepared import prepare

    frame = pd.read_csv(ROOT / "data/raw/stock_prices.csv")
    later = frame[contract.DATE] >= "2009-01-01"
    noise = np.exp(np.random.default_rng(3).normal(0.0, 0.02, later.sum()))
    for name in contract.PRICE_COLUMNS:
        frame.loc[later, name] *= noise
    frame.to_csv(tmp_path / "bars.csv", index=False)
    other = prepare(tmp_path / "run", tmp_path / "bars.csv")

    def serialize(source, split):
        return [example.SerializeToString() for example in source.read(split)]

    def learn(source):
        return ChunkSource([source.splits[contract.TRAIN_SPLIT]], source.transform).base_quantiles()

    assert serialize(other, contract.TRAIN_SPLIT) == serialize(prepared, contract.TRAIN_SPLIT)
    assert serialize(other, contract.EVAL_SPLIT) != serialize(prepared, contract.EVAL_SPLIT)
    np.testing.assert_array_equal(learn(other), learn(prepared))


def test_base_quantiles_are_those_of_the_standardised_train_returns(prepared):
    from components.evaluate import baselines
    from components.train.dataset import ChunkSource

    standardised, masks = [], []
    for example in prepared.read(contract.TRAIN_SPLIT):
        feature = example.features.feature
        label = np.reshape(feature[contract.LABEL].float_list.value, [-1, len(contract.HORIZONS)])
        volatility = baselines.ewma_volatility(np.array(feature[contract.ADJ_CLOSE].float_list.value))
        scale = volatility[contract.LOOKBACK :, None] * np.sqrt(contract.HORIZONS)
        standardised.append(label / scale)
        masks.append(np.reshape(feature[contract.LABEL_MASK].float_list.value, label.shape) > 0)
    values, mask = np.concatenate(standardised), np.concatenate(masks)
    learnt = ChunkSource([prepared.splits[contract.TRAIN_SPLIT]], prepared.transform).base_quantiles()
    for h in range(len(contract.HORIZONS)):
        for level, quantile in zip(contract.QUANTILE_LEVELS, learnt[h], strict=True):
            known = values[mask[:, h], h]
            assert (
                np.mean(known < quantile - 1e-6) - 1e-3 <= level <= np.mean(known <= quantile + 1e-6) + 1e-3
            )


def test_a_model_trained_on_shuffled_labels_has_no_skill(prepared, tmp_path):
    import keras
    import tensorflow as tf

    from components.evaluate.scoreboard import Scoreboard, score_chunk
    from components.evaluate.summary import at_horizon, summarise
    from components.evaluate.tfma_metrics import read_chunk
    from components.train import model, training
    from components.train.config import ModelConfig, TrainConfig
    from components.train.dataset import Chunk, ChunkSource, make_training_batches, make_validation_batches
    from components.transform import features as causal
    from tests.components.train.prepared import save_and_load

    class Shuffled(ChunkSource):
        def chunks(self):
            real = list(super().chunks())
            lengths = [len(chunk.labels) for chunk in real]
            order = np.random.default_rng(5).permutation(sum(lengths))
            labels, masks = (
                np.split(np.concatenate(parts)[order], np.cumsum(lengths)[:-1])
                for parts in zip(*((chunk.labels, chunk.mask) for chunk in real), strict=True)
            )
            shuffled = [Chunk(c.features, *rest) for c, *rest in zip(real, labels, masks, strict=True)]
            spec = Chunk(*(tf.TensorSpec([None, part.shape[1]]) for part in real[0]))
            return tf.data.Dataset.from_generator(lambda: iter(shuffled), output_signature=spec)

    config = TrainConfig(steps=100)
    keras.utils.set_random_seed(config.seed)
    train = Shuffled([prepared.splits[contract.TRAIN_SPLIT]], prepared.transform)
    validation = Shuffled([prepared.splits[contract.EVAL_SPLIT]], prepared.transform)
    network = model.build_network(ModelConfig(), causal.NUM_FEATURES)
    batches = make_training_batches(train, config), make_validation_batches(validation, config)
    training.fit_network(network, train.base_quantiles(), *batches, config)
    signatures = save_and_load(network, prepared, tmp_path)
    board = Scoreboard.empty()
    for example in prepared.read(contract.TEST_SPLIT):
        feature = example.features.feature
        columns = {name: _values(feature[name]) for name in feature}
        board = board.merge(score_chunk(read_chunk(columns, ask_evaluate(signatures, example))))
    assert abs(summarise(board)[at_horizon("skill_ewma", 1)]) < 0.001


def _values(feature) -> np.ndarray:
    """A tf.Example feature's values, whatever their kind."""
    kind = feature.WhichOneof("kind")
    return np.array(getattr(feature, kind).value)
