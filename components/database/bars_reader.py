"""Reads bars by a query, a range of tickers at a time: as CSV, so that values are what a file's would be.

The server sorts a range by ticker, day and the whole row; `line` counts its rows in that order.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from typing import IO, Any, NamedTuple, TypeVar

import pandas as pd
import psycopg
from psycopg import sql

from components import contract
from components.database.connection import Connection, one_line, with_connection
from components.database.ranges import cut_ranges
from components.errors import InputError
from components.ingest import tables
from components.ingest.companies import take_sectors
from components.ingest.parts import Part
from components.ingest.source_config import DATABASE_PLACE, SourceConfig
from components.ingest.sources import digest_file

MEMORY_BYTES = 64 << 20
"""Of a range's CSV; more of it waits in a file."""
METADATA_PLACE = "postgres:companies"
_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_DIGEST = (
    'count(*), coalesce(sum(hashtextextended((source_row.*)::text COLLATE "C", 0)::numeric), 0)::text, '
    'coalesce(sum(hashtextextended((source_row.*)::text COLLATE "C", 1)::numeric), 0)::text'
)
"""Two independent sums of 64 bits: order does not matter, rows that stand twice do. `.*` is the row itself,
also where the query has a column of that name."""
T = TypeVar("T")


class _TickerDigest(NamedTuple):
    """A ticker as its rows name it, empty for NULL, and _DIGEST of its rows."""

    ticker: str
    num_rows: int
    sum_0: str
    sum_1: str


def list_parts(source: SourceConfig) -> list[Part]:
    """Cuts the tickers into ranges of about as many rows; see parts.list_parts."""
    tickers = _read(source, lambda connection: _list_tickers(connection, source))
    if not tickers:
        raise InputError(
            "source.query must give bars, got no rows; load some by `marketcast database load`, or change it"
        )
    return [
        Part(
            f"{DATABASE_PLACE}[{own[0].ticker}..{own[-1].ticker}]",
            own[0].ticker,
            own[-1].ticker,
            _join_digests(own),
        )
        for own in cut_ranges(tickers, [ticker.num_rows for ticker in tickers], source.partitions)
    ]


def read_table(part: Part, source: SourceConfig, number_columns: Sequence[str] = ()) -> pd.DataFrame:
    """Reads a range, under the query's column names.

    Args:
      part: of list_parts.
      source: the query and where it is asked.
      number_columns: see tables.read_table.
    Raises:
      InputError: the rows are not what they were when they were listed.
    """

    def copy(connection: Connection, stream: IO[bytes]) -> None:
        digest = connection.execute(_select(source, sql.SQL(_DIGEST), part)).fetchone()
        if digest is None or _join_digests([_TickerDigest("", *digest)]) != part.digest:
            raise InputError(f"{part.name} must stay as it was when the run started, got a change; run again")
        _copy(connection, _order(source, _select(source, sql.SQL("source_row.*"), part)), stream)

    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as stream:
        _read(source, lambda connection: copy(connection, _emptied(stream)))
        return tables.read_rows_of(stream, part.name, number_columns)


def read_sectors(source: SourceConfig) -> dict[str, str]:
    """Reads each ticker's sector; see companies.read_sectors."""
    if not source.metadata_query:
        return {}
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as stream:
        _read(source, lambda connection: _copy(connection, _select_metadata(source), _emptied(stream)))
        return take_sectors(tables.read_rows_of(stream, METADATA_PLACE), METADATA_PLACE)


def fingerprint(source: SourceConfig) -> str:
    """Returns a SHA-256 (hex) over column names, bars, metadata and actions; the server adds up the bars."""

    def read(connection: Connection, stream: IO[bytes]) -> list[_TickerDigest]:
        if source.metadata_query:
            _copy(connection, _select_metadata(source), stream)
        return _list_tickers(connection, source)

    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as stream:
        tickers = _read(source, lambda connection: read(connection, _emptied(stream)))
        stream.seek(0)
        made_of = [
            dict(source.columns),
            tickers,
            *([digest_file(source.actions_path)] if source.actions_path else []),
        ]
        digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _read(source: SourceConfig, work: Callable[[Connection], T]) -> T:
    """Does work in one snapshot, again from the start if the connection is lost."""

    def in_snapshot(connection: Connection) -> T:
        try:
            with connection.transaction():
                connection.execute(_SNAPSHOT)
                return work(connection)
        except (psycopg.ProgrammingError, psycopg.DataError) as error:
            raise InputError(
                f"source.query and source.metadata_query must be what {source.database.user} can read from "
                f"database {source.database.place}, got: {one_line(error)}; mend the query, grant the "
                "right, or make the tables by `marketcast database upgrade`"
            ) from error

    return with_connection(source.database, in_snapshot)


def _list_tickers(connection: Connection, source: SourceConfig) -> list[_TickerDigest]:
    """All tickers in the order of their bytes, as of the transaction's snapshot."""
    ticker = sql.SQL("coalesce({}, {}) AS ticker_of_row").format(_text(source, contract.TICKER), "")
    selected = sql.SQL("{}, {}").format(ticker, sql.SQL(_DIGEST))
    statement = sql.SQL("{} GROUP BY 1 ORDER BY 1").format(_select(source, selected))
    return [_TickerDigest(*row) for row in connection.execute(statement)]


def _select(source: SourceConfig, what: sql.Composable, part: Part | None = None) -> sql.Composed:
    """SELECT of the rows of the query, or of those in a range; NULL is in the one that begins with ''."""
    query = sql.SQL(source.query.strip().rstrip(";"))
    # A line of its own, so that a comment at the query's end ends there.
    selected = sql.SQL("SELECT {} FROM ({}\n) AS source_row").format(what, query)
    if part is None:
        return selected
    ticker = _text(source, contract.TICKER)
    within = sql.SQL("{} BETWEEN {} AND {}").format(ticker, part.first, part.last)
    if not part.first:
        within = sql.SQL("({} OR {} IS NULL)").format(within, ticker)
    return sql.SQL("{} WHERE {}").format(selected, within)


def _order(source: SourceConfig, selected: sql.Composed) -> sql.Composed:
    keys = [_text(source, name) for name in (contract.TICKER, contract.DATE)]
    return sql.SQL('{} ORDER BY {} NULLS FIRST, {}, (source_row.*)::text COLLATE "C"').format(selected, *keys)


def _text(source: SourceConfig, column: str) -> sql.Composed:
    """A column as text that sorts by its bytes, as Python's does."""
    return sql.SQL('source_row.{}::text COLLATE "C"').format(sql.Identifier(source.file_column(column)))


def _select_metadata(source: SourceConfig) -> sql.Composed:
    query = sql.SQL(source.metadata_query.strip().rstrip(";"))
    selected = sql.SQL('SELECT * FROM ({}\n) AS source_row ORDER BY (source_row.*)::text COLLATE "C"')
    return selected.format(query)


def _copy(connection: Connection, selected: sql.Composed, stream: IO[bytes]) -> None:
    """Streams rows into a file as CSV with a header."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(selected)
    with connection.cursor().copy(statement) as copy:
        for block in copy:
            stream.write(block)


def _emptied(stream: Any) -> Any:
    """What an attempt that was interrupted has left must go."""
    stream.seek(0)
    stream.truncate()
    return stream


def _join_digests(tickers: Sequence[_TickerDigest]) -> str:
    """_DIGEST of the rows of several tickers, out of theirs."""
    sums = [sum(int(ticker[column]) for ticker in tickers) for column in (1, 2, 3)]
    return " ".join(map(str, sums))
