"""The SavedModel's signatures: the contract with clients, parity with training, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from components import contract

pytestmark = pytest.mark.tf

LENGTH = 300


@pytest.fixture(scope="module")
def request_bars(prepared):
    """A request of two tickers with LENGTH bars each."""
    import tensorflow as tf

    from tests.components.train.prepared import stack_bars

    rows = [stack_bars(example, LENGTH, LENGTH) for example in prepared.read(contract.TEST_SPLIT)[:2]]
    return {name: tf.concat([row[name] for row in rows], axis=0) for name in rows[0]}


def forecast(signatures, bars):
    answer = signatures[contract.FORECAST_SIGNATURE](**bars)
    return {name: tensor.numpy() for name, tensor in answer.items()}


def test_outputs_have_the_promised_names_shapes_and_types(signatures, request_bars):
    from tests.components.train.prepared import VERSION

    answer = forecast(signatures, request_bars)
    assert {
        name: (value.shape, value.dtype.kind) for name, value in answer.items() if hasattr(value, "shape")
    } == {
        contract.RETURN_QUANTILES: ((2, 5, 7), "f"),
        contract.PRICE_QUANTILES: ((2, 5, 7), "f"),
        contract.LAST_CLOSE: ((2,), "f"),
        contract.QUANTILE_LEVELS_OUTPUT: ((7,), "f"),
        contract.HORIZONS_OUTPUT: ((5,), "i"),
    }
    assert answer[contract.MODEL_VERSION] == VERSION.encode()
    close = request_bars[contract.CLOSE].numpy()[:, -1]
    np.testing.assert_array_equal(answer[contract.LAST_CLOSE], close)
    expected = close[:, None, None] * np.exp(answer[contract.RETURN_QUANTILES])
    np.testing.assert_allclose(answer[contract.PRICE_QUANTILES], expected, rtol=1e-6)


def test_with_a_row_for_each_ticker_the_answers_are_the_same(signatures, request_bars):
    shared = forecast(signatures, request_bars)
    rows = signatures[contract.ROW_FORECAST_SIGNATURE](**request_bars)
    assert rows.keys() == shared.keys()
    num_rows = len(shared[contract.LAST_CLOSE])
    for name in (contract.RETURN_QUANTILES, contract.PRICE_QUANTILES, contract.LAST_CLOSE):
        np.testing.assert_array_equal(rows[name], shared[name])
    for name in (contract.QUANTILE_LEVELS_OUTPUT, contract.HORIZONS_OUTPUT, contract.MODEL_VERSION):
        assert rows[name].numpy().tolist() == [np.asarray(shared[name]).tolist()] * num_rows
        assert rows[name].shape[0] == num_rows


def test_a_longer_request_answers_as_its_last_bars(signatures, request_bars):
    latest = {
        name: value if name == contract.TICKER else value[:, -contract.LOOKBACK :]
        for name, value in request_bars.items()
    }
    long, short = forecast(signatures, request_bars), forecast(signatures, latest)
    np.testing.assert_array_equal(long[contract.RETURN_QUANTILES], short[contract.RETURN_QUANTILES])


def test_the_served_answer_is_the_training_path_bit_by_bit(prepared, signatures, request_bars):
    import tensorflow as tf

    from components.train import model
    from components.transform import features as causal
    from tests.components.train.prepared import build_opinionated_network

    bars = {n: request_bars[n][:, -contract.LOOKBACK :] for n in contract.BAR_COLUMNS}
    derived = prepared.transform.transform_features_layer()(
        {name: tf.RaggedTensor.from_tensor(column) for name, column in bars.items()}
    )
    features = derived[contract.FEATURES].to_tensor()[:, -causal.NETWORK_STEPS :]
    corrections = build_opinionated_network()(features, training=False)[:, -1]
    base = tf.reshape(derived[contract.BASE_QUANTILES], [-1, 5, 7])
    standardised = model.correct_quantiles(corrections, base)
    volatility = derived[contract.VOLATILITY].to_tensor()[:, -1]
    scale = volatility[:, None, None] * np.sqrt(np.asarray(contract.HORIZONS, np.float32))[:, None]
    served = forecast(signatures, request_bars)[contract.RETURN_QUANTILES]
    np.testing.assert_array_equal(served, standardised.numpy() * scale)


def test_serialized_examples_of_different_lengths_answer_the_same(signatures, request_bars):
    import tensorflow as tf

    def serialize(row: int, length: int) -> bytes:
        feature = {
            name: tf.train.Feature(
                float_list=tf.train.FloatList(value=request_bars[name].numpy()[row, LENGTH - length :])
            )
            for name in contract.BAR_COLUMNS
        }
        ticker = request_bars[contract.TICKER].numpy()[row]
        feature[contract.TICKER] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[ticker]))
        return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()

    examples = tf.constant([serialize(0, LENGTH), serialize(1, contract.LOOKBACK)])
    answer = signatures[contract.DEFAULT_SIGNATURE](examples=examples)
    expected = forecast(signatures, request_bars)
    np.testing.assert_array_equal(
        answer[contract.RETURN_QUANTILES].numpy(), expected[contract.RETURN_QUANTILES]
    )
    assert {len(output) for output in answer.values()} == {2}, "BulkInferrer wants a row for each example"
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 260 bars"):
        signatures[contract.DEFAULT_SIGNATURE](examples=tf.constant([serialize(0, contract.LOOKBACK - 1)]))


BAD_VALUES = [
    *((column, value) for column in contract.BAR_COLUMNS for value in (np.nan, np.inf, -1.0)),
    *((column, 0.0) for column in contract.PRICE_COLUMNS),
]


@pytest.mark.parametrize(("column", "value"), BAD_VALUES)
def test_a_bar_that_is_no_bar_is_refused(signatures, request_bars, column, value):
    import tensorflow as tf

    bad = request_bars[column].numpy().copy()
    bad[1, -5] = value
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{column} must be"):
        forecast(signatures, request_bars | {column: tf.constant(bad)})


def test_a_day_without_trade_is_a_bar(signatures, request_bars):
    import tensorflow as tf

    volume = request_bars[contract.VOLUME].numpy().copy()
    volume[:, -3] = 0.0
    answer = forecast(signatures, request_bars | {contract.VOLUME: tf.constant(volume)})
    assert np.isfinite(answer[contract.PRICE_QUANTILES]).all()


def test_too_few_bars_and_odd_shapes_are_refused(signatures, request_bars):
    import tensorflow as tf

    short = {n: v if n == contract.TICKER else v[:, : contract.LOOKBACK - 1] for n, v in request_bars.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 260 bars"):
        forecast(signatures, short)
    with pytest.raises(tf.errors.InvalidArgumentError, match="high must have the shape of close"):
        forecast(signatures, request_bars | {contract.HIGH: request_bars[contract.HIGH][:, 1:]})
    with pytest.raises(tf.errors.InvalidArgumentError, match="one name for each row"):
        forecast(signatures, request_bars | {contract.TICKER: tf.constant(["AAPL"])})
