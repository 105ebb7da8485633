"""The latest bars of each ticker as tf.Examples: what becomes of a ticker on its way to BulkInferrer."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from components import contract
from components.ingest.bars import TickerBars
from components.ingest.beam_examples import Cleaned, Cuttings
from components.ingest.market_table import MarketTable
from components.ingest.reference import ReferenceData

LATEST_SPLIT = "latest"


@dataclasses.dataclass(frozen=True)
class TickerNote:
    """What is told of a ticker.

    Attributes:
      ticker: its name.
      as_of: days since 1970-01-01 of its last bar; None where it is skipped.
      reason: why it is skipped; empty where it is not.
    """

    ticker: str
    as_of: int | None
    reason: str


def cut_latest(cleaned: Cleaned, market: MarketTable | None, _: ReferenceData) -> Cuttings:
    """One example of a ticker, its latest contract.LOOKBACK bars; see beam_examples.Cut."""
    ticker, bars, findings = cleaned.ticker, cleaned.bars, cleaned.findings
    if bars is None:
        return (), [TickerNote(ticker, None, findings[-1].reason if findings else "no sound bars")]
    latest = bars.slice(max(0, len(bars) - contract.LOOKBACK), len(bars))
    as_of = int(latest.dates[-1])
    return [(LATEST_SPLIT, _encode(latest, market))], [TickerNote(ticker, as_of, "")]


def read_day(example: tf.train.Example) -> tuple[str, int]:
    """Ticker and as-of day (days since 1970-01-01) of an example."""
    feature = example.features.feature
    return feature[contract.TICKER].bytes_list.value[0].decode(), feature[contract.DATE].int64_list.value[0]


def _encode(bars: TickerBars, market: MarketTable | None) -> bytes:
    """What the signature `serving_default` takes, and the day of the last bar."""
    example = tf.train.Example()
    feature = example.features.feature
    feature[contract.TICKER].bytes_list.value.append(bars.ticker.encode())
    feature[contract.DATE].int64_list.value.append(int(bars.dates[-1]))
    for name in contract.BAR_COLUMNS:
        feature[name].float_list.value.extend(np.asarray(getattr(bars, name), np.float32))
    if market is not None:
        feature[contract.MARKET].float_list.value.extend(market.look_up(bars.dates).ravel())
    return bytes(example.SerializeToString(deterministic=True))
