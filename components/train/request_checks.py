"""What a request must be, asserted in the graph: each refusal names the first tickers that it is about."""

from __future__ import annotations

import tensorflow as tf

from components import contract
from components.transform import market


def check_lengths(ticker: tf.Tensor, columns: dict[str, tf.RaggedTensor]) -> list[tf.Operation]:
    """Asserts that each row has as many of each column, and enough of them."""
    lengths = tf.stack([column.row_lengths() for column in columns.values()], axis=-1)
    same = tf.reduce_all(lengths == lengths[:, :1], axis=-1)
    enough = tf.reduce_all(lengths >= contract.LOOKBACK, axis=-1)
    return [
        assert_rows(same, ticker, "each of the six bar columns must have as many values as the others"),
        assert_rows(enough, ticker, f"a forecast must be given at least {contract.LOOKBACK} bars"),
    ]


def check_bars(ticker: tf.Tensor, columns: dict[str, tf.Tensor]) -> list[tf.Operation]:
    """Asserts shapes, then values, of a request's bars."""
    reference = tf.shape(columns[contract.CLOSE])
    checks = [
        tf.debugging.Assert(
            tf.reduce_all(tf.shape(column) == reference),
            [f"{name} must have the shape of close", reference, "but has", tf.shape(column)],
        )
        for name, column in columns.items()
        if name != contract.CLOSE
    ]
    checks.append(
        tf.debugging.Assert(
            tf.equal(tf.shape(ticker)[0], reference[0]),
            ["ticker must have one name for each row of bars:", tf.shape(ticker), "for", reference],
        )
    )
    checks.append(
        tf.debugging.Assert(
            reference[1] >= contract.LOOKBACK,
            [f"a forecast must be given at least {contract.LOOKBACK} bars, got", reference[1]],
        )
    )
    with tf.control_dependencies(checks):
        return [_check_values(ticker, name, column) for name, column in columns.items()]


def _check_values(ticker: tf.Tensor, name: str, column: tf.Tensor) -> tf.Operation:
    """Asserts that prices are positive and finite, and volumes finite and not negative."""
    if name == contract.VOLUME:
        fine = tf.math.is_finite(column) & (column >= 0.0)
        rule = "finite and not negative"
    else:
        fine = tf.math.is_finite(column) & (column > 0.0)
        rule = "positive and finite"
    return assert_rows(tf.reduce_all(fine, axis=-1), ticker, f"{name} must be {rule} in each bar")


def assert_rows(fine: tf.Tensor, ticker: tf.Tensor, rule: str) -> tf.Operation:
    """Asserts `fine` [batch] and names the tickers for which it is false."""
    return tf.debugging.Assert(
        tf.reduce_all(fine), [f"{rule}; not so for", tf.boolean_mask(ticker, ~fine)], summarize=5
    )


def check_universe(ticker: tf.Tensor, dates: tf.Tensor, reference: tf.Tensor) -> list[tf.Operation]:
    """Asserts the shape and order of a universe's days, and that no ticker comes twice.

    Args:
      ticker: string [n].
      dates: int64, days since 1970-01-01; must be [n, time] and rising.
      reference: a bar column, [n, time].
    """
    shapes = tf.debugging.Assert(
        tf.reduce_all(tf.shape(dates) == tf.shape(reference)),
        ["date must have the shape of close", tf.shape(reference), "but has", tf.shape(dates)],
    )
    names, _, counts = tf.unique_with_counts(ticker)
    with tf.control_dependencies([shapes]):
        is_rising = tf.reduce_all(dates[:, 1:] > dates[:, :-1], axis=-1)
        return [
            assert_rows(is_rising, ticker, "date must be one a day, oldest first"),
            assert_rows(counts == 1, names, "a universe must have each ticker once"),
        ]


def check_market(ticker: tf.Tensor, values: tf.RaggedTensor, column: tf.RaggedTensor) -> tf.Operation:
    """Asserts that an example has market features of each of its bars, or none."""
    given = values.row_lengths()
    fine = (given == 0) | (given == market.NUM_MARKET_FEATURES * column.row_lengths())
    return assert_rows(fine, ticker, f"{contract.MARKET} must be of each bar, or left out")
