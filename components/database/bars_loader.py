"""Loads bars and companies from files into the tables that a run can read them from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import sql

from components.database.config import DatabaseConfig
from components.database.connection import Connection, with_connection
from components.database.tables import BARS, COMPANIES
from components.database.upserts import merge, stage, upsert
from components.errors import ConfigError, InputError
from components.ingest.bars import EPOCH, ValidationConfig
from components.ingest.companies import read_metadata, take_sectors
from components.ingest.findings import Finding, raise_refused
from components.ingest.panel import read_pieces
from components.ingest.parts import list_parts
from components.ingest.source_config import FILES, SourceConfig


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """What a load did: rows added or changed, and rows of the files that were set aside."""

    bars: int
    companies: int
    quarantined: int


def load_bars(config: DatabaseConfig, source: SourceConfig, validation: ValidationConfig) -> LoadReport:
    """Loads all bars and companies in one transaction; what is there and the same is left alone.

    Rows are checked one by one, as a run does; what concerns a whole ticker is left to the run.

    Args:
      config: the server; its user may write both tables.
      source: files; its corporate actions are for the run that reads the bars.
      validation: the policies for a row; quarantined ones are left out.
    Raises:
      ConfigError: the source is no files.
      InputError: the files cannot be read, a policy refuses, or bars of one ticker and day differ.
      DatabaseError: the server cannot be reached, is lost too often, or refuses.
    """
    if source.kind != FILES:
        raise ConfigError(f"source.kind must be {FILES} for a load, got {source.kind}; load from files")

    source = dataclasses.replace(source, actions_path="")

    def work(connection: Connection) -> LoadReport:
        findings: list[Finding] = []
        with connection.transaction():
            stage(connection, BARS, _read_bars(source, validation, findings))
            raise_refused(findings)
            _check_conflicts(connection, source)
            quarantined = sum(len(finding.lines) for finding in findings)
            return LoadReport(
                merge(connection, BARS), upsert(connection, COMPANIES, _read_companies(source)), quarantined
            )

    return with_connection(config, work)


def _read_bars(
    source: SourceConfig, validation: ValidationConfig, findings: list[Finding]
) -> Iterator[Sequence[Any]]:
    """Rows of BARS, file by file; adds what was found."""
    for part in list_parts(source):
        pieces, found = read_pieces(part, source, validation, None)
        findings += found
        for ticker, piece in pieces.items():
            days = (EPOCH + piece.dates.astype("timedelta64[D]")).tolist()
            for day, values in zip(days, piece.values.tolist(), strict=True):
                yield (ticker, day, *values)


def _check_conflicts(connection: Connection, source: SourceConfig) -> None:
    """Two different bars of a ticker and day: nobody can say which is right."""
    statement = sql.SQL(
        "SELECT ticker, date, count(*) FROM (SELECT DISTINCT * FROM {}) AS bars GROUP BY 1, 2 "
        "HAVING count(*) > 1 ORDER BY 1, 2 LIMIT 1"
    )
    conflict = connection.execute(statement.format(BARS.staging)).fetchone()
    if conflict:
        ticker, day, count = conflict
        raise InputError(
            f"{source.path} must hold one bar of {ticker} {day}, got {count} that differ; take the wrong out"
        )


def _read_companies(source: SourceConfig) -> list[Sequence[Any]]:
    """Rows of COMPANIES; columns that the file lacks are None."""
    if not source.metadata_path:
        return []
    table = read_metadata(source.metadata_path)
    take_sectors(table, source.metadata_path)  # Checks it.
    texts = table.reindex(columns=list(COMPANIES.columns), fill_value="").apply(lambda text: text.str.strip())
    return [[text or None for text in row] for row in texts.itertuples(index=False)]
