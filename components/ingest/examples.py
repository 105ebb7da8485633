"""Chunks as tf.Examples: the same chunk gives the same bytes."""

from __future__ import annotations

from components import contract
from components.ingest import wire_format
from components.ingest.chunks import Chunk
from components.ingest.market_table import MarketTable


def encode_chunk(chunk: Chunk, market: MarketTable | None = None) -> bytes:
    """Serializes a chunk as the tf.Example of contract.py; with the market of its days if there is one."""
    bars = chunk.bars
    features = {
        contract.TICKER: wire_format.text_feature(bars.ticker),
        contract.SECTOR: wire_format.text_feature(bars.sector),
        contract.DATE: wire_format.int64_feature(bars.dates),
        contract.LABEL: wire_format.float_feature(chunk.label),
        contract.LABEL_MASK: wire_format.float_feature(chunk.label_mask),
    }
    features |= {name: wire_format.float_feature(getattr(bars, name)) for name in contract.BAR_COLUMNS}
    if market is not None:
        features[contract.MARKET] = wire_format.float_feature(market.look_up(bars.dates))
    return wire_format.encode_example(features)
