"""Requests that a model carries with it, cut from real bars: its warm-up and its rehearsal."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from components import contract

NUM_REQUESTS = 4
CHUNK_SPEC = {name: tf.io.VarLenFeature(tf.float32) for name in contract.BAR_COLUMNS} | {
    contract.TICKER: tf.io.FixedLenFeature([], tf.string)
}


def draw_requests(files: Sequence[str]) -> list[dict[str, list]]:
    """Draws forecast requests of one ticker each from chunk examples.

    Args:
      files: gzipped TFRecord files of chunk examples.
    Returns:
      At most NUM_REQUESTS requests, of the first tickers in file order and the latest bars of
      their last chunk: {"ticker": [name], column: [[LOOKBACK floats]]}.
    """
    latest: dict[str, dict[str, list]] = {}
    for record in tf.data.TFRecordDataset(list(files), compression_type="GZIP"):
        parsed = tf.io.parse_single_example(record, CHUNK_SPEC)
        ticker = parsed[contract.TICKER].numpy().decode()
        if ticker in latest or len(latest) < NUM_REQUESTS:
            bars = {name: parsed[name].values.numpy()[-contract.LOOKBACK :] for name in contract.BAR_COLUMNS}
            latest[ticker] = {name: [values.tolist()] for name, values in bars.items()}
    return [{contract.TICKER: [ticker], **bars} for ticker, bars in latest.items()]
