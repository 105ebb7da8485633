"""Chunks cut from bars in memory, transformed as on disk; what training reads in a fold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components import contract
from components.ingest import chunks as cut
from components.ingest.bars import TickerBars
from components.train.dataset import FIRST_STEP, Chunk
from components.transform import features as causal

NUM_HORIZONS = len(contract.HORIZONS)


class MemoryChunks:
    """One split of some tickers' bars; see train.dataset.Chunks."""

    def __init__(self, bars: Iterable[TickerBars], config: cut.ChunkConfig, split: str) -> None:
        """Cuts and transforms; a chunk's features come from its own bars, as Transform's do.

        Args:
          bars: of the tickers.
          config: the dates and sizes.
          split: the one to keep.
        """
        self._chunks = [
            _transform(chunk) for own in bars for chunk in cut.cut_chunks(own, config) if chunk.split == split
        ]

    def chunks(self) -> tf.data.Dataset:
        """A dataset of Chunk, ticker by ticker."""
        spec = Chunk(
            tf.TensorSpec([None, causal.NUM_FEATURES], tf.float32),
            tf.TensorSpec([None, NUM_HORIZONS], tf.float32),
            tf.TensorSpec([None, NUM_HORIZONS], tf.float32),
        )
        return tf.data.Dataset.from_generator(self._iterate, output_signature=spec)

    def count_chunks(self) -> int:
        """Number of chunks."""
        return len(self._chunks)

    def _iterate(self) -> Iterator[Chunk]:
        return iter(self._chunks)


def compute_features(bars: TickerBars) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What Transform makes of one ticker's n bars.

    Returns:
      float32: features [n, NUM_FEATURES] and volatility [n].
    """
    columns = {
        name: tf.constant(getattr(bars, name)[np.newaxis], tf.float32) for name in contract.BAR_COLUMNS
    }
    derived = _compute(columns)
    return derived.features[0].numpy(), derived.volatility[0].numpy()


_compute = tf.function(causal.compute_features, reduce_retracing=True)


def _transform(chunk: cut.Chunk) -> Chunk:
    features, volatility = compute_features(chunk.bars)
    scale = volatility[contract.LOOKBACK :, np.newaxis] * np.sqrt(np.asarray(contract.HORIZONS, np.float32))
    return Chunk(features[FIRST_STEP:], chunk.label / scale, chunk.label_mask)
