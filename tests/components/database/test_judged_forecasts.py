"""Forecasts of judged days as rows: what they are for does not depend on how the days are cut into chunks."""

from __future__ import annotations

import itertools

import pytest

from components import contract
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig, cut_chunks
from components.ingest.examples import encode_chunk
from components.ingest.panel import read_panel
from tests.components.ingest.record_files import write_records
from tests.components.ingest.shipped import SHIPPED_SOURCE

pytestmark = pytest.mark.tf

TICKERS = ("AAPL", "IBM")
CLOSE_END = 6
"""Behind the columns that name a forecast, its target's day and the close; the quantiles begin."""
ACTUAL, BASELINE_LOSS = -3, -1


@pytest.fixture(scope="module")
def model_dir(prepared, tmp_path_factory):
    from components.train.signatures import Forecaster
    from tests.components.train.prepared import VERSION, build_opinionated_network

    folder = tmp_path_factory.mktemp("model")
    Forecaster(build_opinionated_network(), prepared.transform, VERSION).save(str(folder))
    return str(folder)


@pytest.fixture(scope="module")
def panel():
    return read_panel(SHIPPED_SOURCE, ValidationConfig())


def forecast(model_dir, panel, folder, chunk_days):
    """Blocks of rows, of a file for each ticker."""
    from components.database.judged_forecasts import forecast_judged_days

    files = []
    for ticker in TICKERS:
        chunks = cut_chunks(panel.bars[ticker], ChunkConfig(chunk_days=chunk_days))
        files.append(str(folder / f"{ticker}-{chunk_days}"))
        write_records(
            files[-1], [encode_chunk(chunk) for chunk in chunks if chunk.split == contract.TEST_SPLIT]
        )
    return list(forecast_judged_days(model_dir, files, "a-test"))


def test_many_chunks_give_the_rows_of_one(model_dir, panel, tmp_path):
    blocks, whole = (forecast(model_dir, panel, tmp_path, days) for days in (150, 756))
    assert (len(blocks), len(whole)) == (8, 2)
    rows, expected = (list(itertools.chain(*each)) for each in (blocks, whole))
    assert len(expected) == 2 * 543 * len(contract.HORIZONS)
    for row, other in zip(rows, expected, strict=True):
        assert (*row[:CLOSE_END], row[ACTUAL]) == (*other[:CLOSE_END], other[ACTUAL])
        assert row[CLOSE_END:ACTUAL] == pytest.approx(other[CLOSE_END:ACTUAL], abs=0.01)
        if row[BASELINE_LOSS] is not None:
            assert row[BASELINE_LOSS] == pytest.approx(other[BASELINE_LOSS], rel=1e-6)
    last, other_last = ([row[CLOSE_END:ACTUAL] for row in each[-5:]] for each in (rows, expected))
    assert last == other_last, "a ticker's last day is forecast from what a server would know"
