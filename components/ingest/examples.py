"""Chunks as tf.Examples in TFRecord files: the same chunks give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components import contract
from components.ingest.chunks import Chunk
from components.ingest.market_table import MarketTable


def encode_chunk(chunk: Chunk, market: MarketTable | None = None) -> bytes:
    """Serializes a chunk as the tf.Example of contract.py; with the market of its days if there is one."""
    bars = chunk.bars
    feature = {
        contract.TICKER: _bytes_feature(bars.ticker),
        contract.SECTOR: _bytes_feature(bars.sector),
        contract.DATE: tf.train.Feature(int64_list=tf.train.Int64List(value=bars.dates)),
        contract.LABEL: _float_feature(chunk.label),
        contract.LABEL_MASK: _float_feature(chunk.label_mask),
    }
    feature |= {name: _float_feature(getattr(bars, name)) for name in contract.BAR_COLUMNS}
    if market is not None:
        feature[contract.MARKET] = _float_feature(market.look_up(bars.dates))
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString(deterministic=True)


def write_records(path: str, records: Iterable[bytes]) -> None:
    """Writes a gzip TFRecord file."""
    with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for record in records:
            writer.write(record)


def _bytes_feature(text: str) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))


def _float_feature(values: npt.NDArray[np.floating[Any]]) -> tf.train.Feature:
    flat = np.asarray(values, np.float32).reshape(-1)
    return tf.train.Feature(float_list=tf.train.FloatList(value=flat))
