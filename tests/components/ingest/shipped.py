"""The shipped data, wherever the tests are started."""

import pathlib

from components.ingest.chunks import ChunkConfig
from components.ingest.source_config import SourceConfig

DATA_FOLDER = pathlib.Path(__file__).parents[3] / "data" / "raw"
SHIPPED_SOURCE = SourceConfig(
    str(DATA_FOLDER / "stock_prices.csv"), str(DATA_FOLDER / "company_metadata.csv")
)
SHIPPED_CHUNKS = ChunkConfig(eval_start="2007-01-01", test_start="2010-01-01")
