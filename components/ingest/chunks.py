"""Cuts one ticker's bars into chunks: target days with their context, split by date, purged."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from components import contract
from components.ingest.bars import TickerBars, day_number, is_day

NUM_HORIZONS = len(contract.HORIZONS)


@dataclasses.dataclass(frozen=True)
class ChunkConfig:
    """How the bars are cut. One set of dates holds for all tickers.

    Attributes:
      chunk_days: most target days of a chunk, at least 1.
      eval_start: first day of the eval split, YYYY-MM-DD; train is what is before it.
      test_start: first day of the test split, YYYY-MM-DD; after eval_start.
      as_of: bars after this day are ignored, YYYY-MM-DD; empty keeps all. Of a lake these are bars as
        they are known now; source.known_on reads them as they were known on a day.
      num_shards: example files of each split; 0 makes one for each 16 MiB of the source's files, and one of
        what is in a database or an object store.
    """

    chunk_days: int = 756
    eval_start: str = "2009-01-01"
    test_start: str = "2011-01-01"
    as_of: str = ""
    num_shards: int = 0

    def __post_init__(self) -> None:
        if self.chunk_days < 1:
            raise ValueError(
                f"chunks.chunk_days must be at least 1, got {self.chunk_days}; 756 is three years of "
                "trading days"
            )
        if self.num_shards < 0:
            raise ValueError(
                f"chunks.num_shards must be at least 1, or 0, got {self.num_shards}; 0 goes by "
                "the source's size"
            )
        for name in ("eval_start", "test_start", *(["as_of"] if self.as_of else [])):
            if not is_day(getattr(self, name)):
                raise ValueError(
                    f"chunks.{name} must be a day as 'YYYY-MM-DD', got {getattr(self, name)!r}; write it so"
                )
        if self.eval_start >= self.test_start:
            raise ValueError(
                f"chunks.test_start must be after eval_start ({self.eval_start}), got {self.test_start}; "
                "the test split is the latest"
            )

    @property
    def test_day(self) -> int:
        """Days since 1970-01-01 of test_start."""
        return day_number(self.test_start)

    @property
    def last_day(self) -> int | None:
        """Days since 1970-01-01 of as_of; None keeps all bars."""
        return day_number(self.as_of) if self.as_of else None


@dataclasses.dataclass(frozen=True)
class Chunk:
    """LOOKBACK + c consecutive bars of one ticker, of which the last c are target days of one split.

    Attributes:
      split: contract.TRAIN_SPLIT, EVAL_SPLIT or TEST_SPLIT.
      bars: LOOKBACK + c bars.
      label: float32 [c, len(HORIZONS)], log return of adj_close; 0 where the mask is 0.
      label_mask: float32, same shape; 1 where the label is real.
    """

    split: str
    bars: TickerBars
    label: npt.NDArray[np.float32]
    label_mask: npt.NDArray[np.float32]

    @property
    def num_target_days(self) -> int:
        """Number of target days, c."""
        return len(self.label)


def cut_chunks(bars: TickerBars, config: ChunkConfig) -> list[Chunk]:
    """Cuts one ticker's bars into chunks.

    Every bar but the first LOOKBACK is a target day of exactly one chunk. A chunk ends where its split ends
    or after chunk_days target days, counted from the split's first, so later bars never move an earlier
    border. With LOOKBACK 3, chunk_days 4, bars 0..11, eval from bar 8, test from bar 10:

        train 0 1 2 [3 4 5 6]   train 4 5 6 [7]   eval 5 6 7 [8 9]   test 7 8 9 [10 11]

    Args:
      bars: one ticker's bars; fewer than LOOKBACK + 1 give no chunk.
      config: sizes and dates.
    Returns:
      Chunks, ordered by their target days.
    """
    label, label_mask = make_labels(bars, config)
    starts = _split_starts(bars, config)
    chunks = []
    for split, first, last in zip(contract.SPLITS, starts[:-1], starts[1:], strict=True):
        for start in range(max(first, contract.LOOKBACK), last, config.chunk_days):
            stop = min(start + config.chunk_days, last)
            own = bars.slice(start - contract.LOOKBACK, stop)
            chunks.append(Chunk(split, own, label[start:stop], label_mask[start:stop]))
    return chunks


def make_labels(
    bars: TickerBars, config: ChunkConfig
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Computes labels and masks; a label whose last day lies in another split is purged.

    Args:
      bars: one ticker's n bars.
      config: the dates that split them.
    Returns:
      label and label_mask, float32 [n, len(HORIZONS)].
    """
    num_bars = len(bars)
    ends = np.arange(num_bars)[:, None] + np.asarray(contract.HORIZONS)
    known = ends < num_bars
    ends = np.where(known, ends, np.arange(num_bars)[:, None])
    split = np.searchsorted(_split_starts(bars, config)[1:-1], np.arange(num_bars), side="right")
    mask = known & (split[ends] == split[:, None])
    log_price = np.log(bars.adj_close)
    label = np.where(mask, log_price[ends] - log_price[:, None], 0.0)
    return label.astype(np.float32), mask.astype(np.float32)


def _split_starts(bars: TickerBars, config: ChunkConfig) -> list[int]:
    """Returns the first bar of train, of eval, of test, and the number of bars."""
    days = [day_number(config.eval_start), day_number(config.test_start)]
    return [0, *np.searchsorted(bars.dates, days).tolist(), len(bars)]
