"""The parts in which a source is read, one worker each: its files, or ranges of tickers of a database."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import pandas as pd

from components.ingest import companies, shards, sources
from components.ingest.source_config import FILES, SourceConfig


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows that are read together.

    Attributes:
      name: a file's path, or such as postgres:bars[AAPL..GOOG]; what messages call it.
      first: of a range, the first ticker.
      last: of a range, the last ticker.
      digest: of a range, what its rows were when the parts were listed.
    """

    name: str
    first: str = ""
    last: str = ""
    digest: str = ""


def list_parts(source: SourceConfig) -> list[Part]:
    """Finds all parts, at least one; those of a database as they are at one moment.

    Raises:
      InputError: nothing is there.
      DatabaseError: the database cannot be reached, or refuses.
    """
    if source.kind == FILES:
        return [Part(file) for file in sources.list_files(source)]
    from components.database import bars_reader  # Files need no database driver.

    return bars_reader.list_parts(source)


def choose_num_shards(source: SourceConfig) -> int:
    """Example files of each split, by the size of the source's files; one of what is not on this machine."""
    files = sources.list_files(source) if source.kind == FILES else []
    return 1 if any("://" in file for file in files) else shards.choose_num_shards(files)


def read_rows(part: Part, source: SourceConfig) -> pd.DataFrame:
    """Reads one part's bars, unchecked, under our column names; see sources.read_rows.

    Raises:
      InputError: it cannot be read, holds no rows, lacks a column, or is not what was listed any more.
      DatabaseError: the database cannot be reached, or refuses.
    """
    if source.kind == FILES:
        return sources.read_rows(part.name, source)
    from components.database import bars_reader

    return sources.take_columns(
        bars_reader.read_table(part, source, sources.number_columns(source)), part.name, source
    )


def read_original(part: Part, lines: Collection[int], source: SourceConfig) -> pd.DataFrame:
    """Reads some rows of a part as they stand: every column, as text, indexed by `line`."""
    if source.kind == FILES:
        return sources.read_original(part.name, lines)
    from components.database import bars_reader

    table = bars_reader.read_table(part, source)
    return table[table.index.isin(list(lines))]


def read_sectors(source: SourceConfig) -> dict[str, str]:
    """Reads each ticker's sector; see companies.read_sectors."""
    if source.kind == FILES:
        return companies.read_sectors(source.metadata_path)
    from components.database import bars_reader

    return bars_reader.read_sectors(source)


def fingerprint(source: SourceConfig) -> str:
    """Returns a SHA-256 (hex) over all that is read; equal while nothing changes."""
    if source.kind == FILES:
        return sources.fingerprint(source)
    from components.database import bars_reader

    return bars_reader.fingerprint(source)
