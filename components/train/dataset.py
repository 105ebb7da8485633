"""Chunks on disk to batches for the network; windows are never materialised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import contract
from components.train.config import TrainConfig
from components.train.training import horizon_weights
from components.transform import features as causal
from components.transform import market

NUM_HORIZONS = len(contract.HORIZONS)
FIRST_STEP = contract.LOOKBACK - causal.NETWORK_STEPS + 1
"""Bar of a chunk at which the network starts, so that its first target day ends NETWORK_STEPS."""

PARALLEL_FILES = 4
"""Files of a split that are decompressed at a time."""
VALIDATION_CHUNKS = 32
"""Chunks in a validation batch."""


class Chunk(NamedTuple):
    """One transformed chunk of c target days.

    features [NETWORK_STEPS - 1 + c, num_features]; labels, in units of volatility * sqrt(horizon),
    and mask [c, horizons]; all float32.
    """

    features: tf.Tensor
    labels: tf.Tensor
    mask: tf.Tensor


class Chunks(Protocol):
    """The chunks of one split, wherever they are."""

    def chunks(self) -> tf.data.Dataset:
        """A dataset of Chunk, always in the same order."""

    def count_chunks(self) -> int:
        """Number of chunks."""

    def count_bytes(self) -> int:
        """What they are about in memory."""


class ChunkSource:
    """Reads the chunks of one split through the Transform graph."""

    def __init__(
        self, file_patterns: Sequence[str], transform: tft.TFTransformOutput, has_market: bool = False
    ) -> None:
        """Prepares reading.

        Args:
          file_patterns: globs of gzipped TFRecord files of chunk examples.
          transform: output of the Transform component.
          has_market: the network sees the market.
        Raises:
          ValueError: no file matches.
        """
        self._files = sorted(f for pattern in file_patterns for f in tf.io.gfile.glob(pattern))
        if not self._files:
            raise ValueError(
                f"chunk files must exist, got none at {list(file_patterns)}; run the ingest first"
            )
        self._spec = transform.raw_feature_spec()
        self._layer = transform.transform_features_layer()
        self._has_market = has_market

    @property
    def files(self) -> list[str]:
        """Paths read, sorted."""
        return self._files

    def base_quantiles(self) -> np.ndarray:
        """The quantiles that Transform learnt on train, float32 [horizons, levels]."""
        transformed = self._transform(next(iter(self._records().batch(1))))
        return transformed[contract.BASE_QUANTILES].numpy().reshape(NUM_HORIZONS, -1)

    def chunks(self) -> tf.data.Dataset:
        """A dataset of Chunk, in the order of read_records."""
        return self._records().batch(1).map(self._to_chunk, num_parallel_calls=tf.data.AUTOTUNE)

    def count_chunks(self) -> int:
        """Number of chunks; reads the files once, without parsing."""
        return int(self._records().reduce(np.int64(0), lambda count, _: count + 1))

    def count_bytes(self) -> int:
        """Size of the examples, decompressed: what is made of them is about as large, float for float."""
        lengths = self._records().map(lambda record: tf.cast(tf.strings.length(record), tf.int64))
        return int(lengths.reduce(np.int64(0), lambda total, length: total + length))

    def _records(self) -> tf.data.Dataset:
        return read_records(self._files)

    def _transform(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._layer(tf.io.parse_example(serialized, self._spec))

    def _to_chunk(self, serialized: tf.Tensor) -> Chunk:
        transformed = self._transform(serialized)
        labels = tf.reshape(transformed[contract.LABEL].flat_values, [-1, NUM_HORIZONS])
        volatility = transformed[contract.VOLATILITY].flat_values[contract.LOOKBACK :]
        scale = volatility[:, tf.newaxis] * tf.sqrt(tf.constant(contract.HORIZONS, tf.float32))
        features = transformed[contract.FEATURES].to_tensor()
        if self._has_market:
            parsed = tf.io.parse_example(serialized, market.MARKET_SPEC)[contract.MARKET]
            features = tf.concat([features, market.fill_market(parsed, tf.shape(features)[1])], axis=-1)
        return Chunk(
            tf.ensure_shape(features[0, FIRST_STEP:], [None, count_features(self._has_market)]),
            labels / scale,
            tf.reshape(transformed[contract.LABEL_MASK].flat_values, [-1, NUM_HORIZONS]),
        )


def count_features(has_market: bool) -> int:
    """Inputs of the network: features.FEATURE_NAMES, behind them contract.MARKET_FEATURES if it sees them."""
    return causal.NUM_FEATURES + (market.NUM_MARKET_FEATURES if has_market else 0)


def read_records(files: Sequence[str]) -> tf.data.Dataset:
    """A dataset of the records of gzipped TFRecord files; PARALLEL_FILES of them take turns, always alike."""
    return tf.data.TFRecordDataset(
        files, compression_type="GZIP", num_parallel_reads=min(PARALLEL_FILES, len(files))
    )


def make_training_batches(source: Chunks, config: TrainConfig) -> tf.data.Dataset:
    """Endless shuffled batches of crops at random offsets.

    Args:
      source: the train split.
      config: crop length, batch size, seed.
    Returns:
      A dataset of (features [batch, NETWORK_STEPS - 1 + crop_days, num_features], labels and
      weights [batch, crop_days, horizons]); a chunk is cropped as often as its days fill crops.
    """
    chunks = source.chunks()
    if is_cached(source, config):
        chunks = chunks.cache()
    seeds = tf.data.Dataset.random(seed=config.seed)
    long_enough = chunks.map(lambda chunk: _pad_to_crop(chunk, config.crop_days)).repeat()
    crops = tf.data.Dataset.zip(long_enough, seeds).flat_map(
        lambda chunk, seed: _cut_crops(chunk, seed, config)
    )
    return (
        crops.shuffle(config.shuffle_crops, seed=config.seed)
        .batch(config.batch_crops, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def make_validation_batches(source: Chunks, config: TrainConfig) -> tf.data.Dataset:
    """One pass over whole chunks, padded to the longest of a batch, masked days weighing nothing.

    Its length is known, for Keras takes the end of a dataset of unknown length for an accident.
    """
    batches = (
        source.chunks()
        .padded_batch(VALIDATION_CHUNKS)
        .map(lambda chunk: (chunk.features, chunk.labels, chunk.mask * horizon_weights(config)))
    )
    num_batches = -(-source.count_chunks() // VALIDATION_CHUNKS)
    batches = batches.apply(tf.data.experimental.assert_cardinality(num_batches))
    return batches.cache() if is_cached(source, config) else batches


def is_cached(source: Chunks, config: TrainConfig) -> bool:
    """Whether the chunks of a split stay in memory."""
    return config.cache_features and source.count_bytes() <= config.cache_megabytes << 20


def _pad_to_crop(chunk: Chunk, crop_days: int) -> Chunk:
    """Lengthens a chunk shorter than a crop by masked days at its end."""
    missing = tf.maximum(crop_days - tf.shape(chunk.labels)[0], 0)
    return Chunk(*(tf.pad(part, [[0, missing], [0, 0]]) for part in chunk))


def _cut_crops(chunk: Chunk, seed: tf.Tensor, config: TrainConfig) -> tf.data.Dataset:
    """As many crops at random offsets as the chunk's days fill."""
    num_days = tf.shape(chunk.labels, out_type=tf.int64)[0]
    count = (num_days + config.crop_days - 1) // config.crop_days
    return tf.data.Dataset.range(count).map(lambda index: _cut_crop(chunk, tf.stack([seed, index]), config))


def _cut_crop(chunk: Chunk, seed: tf.Tensor, config: TrainConfig) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One crop at an offset drawn from `seed`, with intraday range, volume or market hidden now and then."""
    last = tf.shape(chunk.labels)[0] - config.crop_days
    start = tf.random.stateless_uniform([], seed, 0, last + 1, tf.int32)
    steps = causal.NETWORK_STEPS - 1 + config.crop_days
    num_features = chunk.features.shape[-1]
    features = tf.ensure_shape(chunk.features[start : start + steps], [steps, num_features])
    shown = _draw_shown(num_features, seed + 1, config.hide_share)
    labels = chunk.labels[start : start + config.crop_days]
    weights = chunk.mask[start : start + config.crop_days] * horizon_weights(config)
    shape = [config.crop_days, NUM_HORIZONS]
    return features * shown, tf.ensure_shape(labels, shape), tf.ensure_shape(weights, shape)


def _draw_shown(num_features: int, seed: tf.Tensor, hide_share: float) -> tf.Tensor:
    """Ones over the features, zeros over those of each group that is hidden; float32 [num_features]."""
    market_features = range(causal.NUM_FEATURES, num_features)
    groups = [
        group for group in (causal.RANGE_FEATURES, causal.VOLUME_FEATURES, market_features) if len(group)
    ]
    hidden = tf.random.stateless_uniform([len(groups)], seed) < hide_share
    shown = tf.ones([num_features])
    for index, group in enumerate(groups):
        shown *= tf.where(hidden[index], _mask_without(group, num_features), 1.0)
    return shown


def _mask_without(positions: Sequence[int], num_features: int) -> np.ndarray:
    """Ones over the features, zeros at `positions`."""
    mask = np.ones(num_features, np.float32)
    mask[list(positions)] = 0.0
    return mask
