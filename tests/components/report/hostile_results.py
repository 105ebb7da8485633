"""Random results in which a ticker has a name that wants to be more than a name."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from components import contract
from components.backtest import results
from tests.components.backtest.random_results import draw_table

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><b>@@SCRIPT@@</b>"


def make_hostile_table() -> pa.Table:
    """As results.read_results would give it."""
    table = draw_table()
    at = table.schema.get_field_index(contract.TICKER)
    tickers = table[contract.TICKER]
    renamed = pc.if_else(pc.equal(tickers, "BBB"), HOSTILE, tickers)
    keys = (results.MODEL, results.SEED, contract.TICKER, results.ORIGIN, contract.HORIZON)
    return table.set_column(at, table.schema.field(at), renamed).sort_by([(key, "ascending") for key in keys])
