"""The section `source` of the configuration: where bars come from, and what their columns are called."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from components import contract
from components.database.config import DatabaseConfig
from components.ingest.bars import is_day

TEXT_COLUMNS = (contract.TICKER, contract.DATE)
OPTIONAL_COLUMNS = (contract.ADJ_CLOSE,)
"""Without it, `close` is taken to be adjusted already; a name given for it must be there."""
COLUMNS = (*TEXT_COLUMNS, *contract.BAR_COLUMNS)
FILES = "files"
POSTGRES = "postgres"
KINDS = (FILES, POSTGRES)
DATABASE_PLACE = "postgres:bars"
"""What messages call the rows of `query`."""
BARS_QUERY = "SELECT ticker, date, open, high, low, close, adj_close, volume FROM marketcast.bars"
COMPANIES_QUERY = "SELECT ticker, sector FROM marketcast.companies"
_FILE_KEYS = ("columns", "actions_path")
_DATABASE_KEYS = ("kind", "query", "metadata_query", "partitions")


@dataclasses.dataclass(frozen=True)
class SourceConfig:
    """Where the bars and the company metadata are.

    Attributes:
      path: a CSV or Parquet file, a folder of them (searched through) or a glob; or a lake that `marketcast
        ingest` has made: its folder, or its URL (s3://, minio:// or gs://).
      metadata_path: a CSV file with the columns ticker and sector; empty for none.
      columns: our column name -> the file's or query's column name, where they differ; adj_close: '' passes
        the adjusted prices that are there over. All else says nothing of a lake, which has our names.
      actions_path: a CSV or Parquet file of splits and dividends (see docs/data.md), by which adj_close is
        then computed from close; empty for none.
      known_on: read the lake as it was known on this day, YYYY-MM-DD; empty for all that it knows.
      kind: files, or postgres for the rows of `query`; the paths then say nothing.
      query: SELECT of the bars, in the database of the section `database`.
      metadata_query: SELECT of ticker and sector there; empty for none.
      partitions: ranges of tickers in which the rows are read, one worker each, at least 1.
      database: the server, which the section of that name is read into.
    """

    path: str = "data/raw/stock_prices.csv"
    metadata_path: str = "data/raw/company_metadata.csv"
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    actions_path: str = ""
    known_on: str = ""
    kind: str = FILES
    query: str = BARS_QUERY
    metadata_query: str = COMPANIES_QUERY
    partitions: int = 8
    database: DatabaseConfig = dataclasses.field(default_factory=DatabaseConfig, metadata={"is_key": False})

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("source.path must name a file, a folder or a glob, got ''; give the bars' path")
        if self.known_on and not is_day(self.known_on):
            raise ValueError(
                f"source.known_on must be a day as 'YYYY-MM-DD', got {self.known_on!r}; write it so"
            )
        if self.known_on and self.kind != FILES:
            raise ValueError(
                f"source.known_on must go with a lake, got {self.known_on} with kind {self.kind}; leave it "
                "empty"
            )
        if self.kind not in KINDS:
            raise ValueError(f"source.kind must be one of {', '.join(KINDS)}, got {self.kind!r}; choose one")
        if not self.query.strip():
            raise ValueError("source.query must be a SELECT, got ''; leave it out for marketcast.bars")
        if self.partitions < 1:
            raise ValueError(f"source.partitions must be at least 1, got {self.partitions}; 8 suits most")
        unknown = sorted(set(self.columns) - set(COLUMNS))
        if unknown:
            raise ValueError(
                f"source.columns must map names among {', '.join(COLUMNS)}, got {', '.join(unknown)}; "
                "the name on the left is ours, the name on the right is the file's"
            )
        if nameless := sorted(
            name for name in COLUMNS if not self.columns.get(name, name) and name not in OPTIONAL_COLUMNS
        ):
            raise ValueError(
                f"source.columns must name the file's column, got '' for {', '.join(nameless)}; only "
                f"{', '.join(OPTIONAL_COLUMNS)} can be passed over"
            )
        theirs = [self.columns.get(name, name) for name in COLUMNS]
        twice = sorted({name for name in theirs if theirs.count(name) > 1})
        if twice:
            raise ValueError(
                f"source.columns must give each column a name of its own, got {', '.join(twice)} twice; "
                "map each of ours to a different column of the file"
            )

    @property
    def place(self) -> str:
        """What messages call it."""
        return self.path if self.kind == FILES else DATABASE_PLACE

    def at_files(self, path: str) -> SourceConfig:
        """The same, but of these files."""
        return dataclasses.replace(self, path=path, kind=FILES)

    def without_sectors(self) -> SourceConfig:
        """The same without sectors, which slice the evaluation only and change no forecast."""
        return dataclasses.replace(self, metadata_path="", metadata_query="")

    def to_properties(self) -> dict[str, Any]:
        """What a component keeps of it, as JSON types: all but what a run may change, see from_properties."""
        properties: dict[str, Any] = {name: getattr(self, name) for name in _FILE_KEYS}
        properties["columns"] = dict(self.columns)
        if self.kind != FILES:
            properties |= {name: getattr(self, name) for name in _DATABASE_KEYS}
            properties["database"] = dataclasses.asdict(self.database)
        return properties

    @classmethod
    def from_properties(
        cls, properties: Mapping[str, Any], path: str, metadata_path: str, known_on: str
    ) -> SourceConfig:
        """Takes what to_properties, or dataclasses.asdict, gave, with the paths and the day of the run.

        Raises:
          ValueError: a path or the day is wrong.
        """
        names = (*_FILE_KEYS, *_DATABASE_KEYS)
        kept = {name: properties[name] for name in names if name in properties}
        database = DatabaseConfig(**properties.get("database", {}))
        return cls(path, metadata_path, known_on=known_on, database=database, **kept)

    def file_column(self, column: str) -> str:
        """Returns what the file calls one of our columns; a lake calls it as we do.

        Empty for an adj_close that is passed over.
        """
        theirs = self.columns.get(column, column)
        return column if theirs not in ("", column) and self.is_lake else theirs

    @property
    def is_lake(self) -> bool:
        """Whether the bars are those of a lake."""
        from components.lake import lake_source  # Most sources need no object store.

        return self.kind == FILES and lake_source.is_lake(self.path)
