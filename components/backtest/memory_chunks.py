"""Chunks cut from bars in memory, transformed as on disk; what training reads in a fold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from components import contract
from components.ingest import chunks as cut
from components.ingest.bars import TickerBars
from components.ingest.market_table import MarketTable
from components.train.dataset import FIRST_STEP, Chunk, count_features
from components.transform.ticker_features import compute_features

NUM_HORIZONS = len(contract.HORIZONS)


class MemoryChunks:
    """One split of some tickers' bars; see train.dataset.Chunks."""

    def __init__(
        self,
        bars: Iterable[TickerBars],
        config: cut.ChunkConfig,
        split: str,
        market: MarketTable | None = None,
    ) -> None:
        """Cuts and transforms; a chunk's features come from its own bars, as Transform's do.

        Args:
          bars: of the tickers.
          config: the dates and sizes.
          split: the one to keep.
          market: of each day, behind the other features; None leaves it out.
        """
        self._num_features = count_features(market is not None)
        self._chunks = [
            _transform(chunk, market)
            for own in bars
            for chunk in cut.cut_chunks(own, config)
            if chunk.split == split
        ]

    def chunks(self) -> tf.data.Dataset:
        """A dataset of Chunk, ticker by ticker."""
        spec = Chunk(
            tf.TensorSpec([None, self._num_features], tf.float32),
            tf.TensorSpec([None, NUM_HORIZONS], tf.float32),
            tf.TensorSpec([None, NUM_HORIZONS], tf.float32),
        )
        return tf.data.Dataset.from_generator(self._iterate, output_signature=spec)

    def count_chunks(self) -> int:
        """Number of chunks."""
        return len(self._chunks)

    def count_bytes(self) -> int:
        """What a dataset of them would hold besides."""
        return sum(np.asarray(part).nbytes for chunk in self._chunks for part in chunk)

    def _iterate(self) -> Iterator[Chunk]:
        return iter(self._chunks)


def compute_inputs(
    bars: TickerBars, market: MarketTable | None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The network's inputs for one ticker's n bars.

    Args:
      bars: the ticker's.
      market: of each day, behind the other features; None leaves it out.
    Returns:
      float32: inputs [n, num_features] and volatility [n].
    """
    features, volatility = compute_features(bars)
    if market is None:
        return features, volatility
    return np.concatenate([features, market.look_up(bars.dates)], axis=-1), volatility


def _transform(chunk: cut.Chunk, market: MarketTable | None) -> Chunk:
    features, volatility = compute_inputs(chunk.bars, market)
    scale = volatility[contract.LOOKBACK :, np.newaxis] * np.sqrt(np.asarray(contract.HORIZONS, np.float32))
    return Chunk(features[FIRST_STEP:], chunk.label / scale, chunk.label_mask)
