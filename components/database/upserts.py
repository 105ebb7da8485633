"""Writes rows so that those which are there already, and the same, are left alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import sql

from components.database.connection import Connection
from components.database.schema import SCHEMA

UPDATED_AT = "updated_at"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table that is written.

    Attributes:
      name: in the schema.
      keys: columns of its primary key.
      values: the other columns that are written.
      is_dated: it says when a row changed.
    """

    name: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    is_dated: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Of a row, in this order."""
        return (*self.keys, *self.values)

    @property
    def staging(self) -> sql.Identifier:
        """Temporary table of what comes in, gone with the transaction."""
        return sql.Identifier(f"incoming_{self.name}")


def upsert(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> int:
    """Inserts rows, and updates those that differ from what is there; to be called in a transaction.

    Args:
      connection: whose role may insert, update and read the table.
      table: where to.
      rows: of table.columns, each key once.
    Returns:
      The number of rows inserted or changed.
    """
    stage(connection, table, rows)
    return merge(connection, table)


def stage(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Copies rows into a temporary table of the transaction, table.staging."""
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            table.staging, _join(table.columns), sql.Identifier(SCHEMA, table.name)
        )
    )
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table.staging, _join(table.columns))
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def merge(connection: Connection, table: Table) -> int:
    """Inserts or updates out of table.staging, in the order of the keys; see upsert."""
    # The same order in every transaction: two of them wait for each other, and never both.
    statement = sql.SQL(
        "INSERT INTO {name} AS present ({columns}) SELECT DISTINCT {columns} FROM {staging} ORDER BY {keys} "
        "ON CONFLICT ({keys}) DO UPDATE SET {changes} "
        "WHERE ({present}) IS DISTINCT FROM ({excluded})"
    ).format(
        name=sql.Identifier(SCHEMA, table.name),
        columns=_join(table.columns),
        staging=table.staging,
        keys=_join(table.keys),
        changes=sql.SQL(", ").join(
            [
                *(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in table.values),
                *([sql.SQL("{} = now()").format(sql.Identifier(UPDATED_AT))] if table.is_dated else []),
            ]
        ),
        present=_join(table.values, "present"),
        excluded=_join(table.values, "excluded"),
    )
    return connection.execute(statement).rowcount


def _join(columns: Sequence[str], prefix: str = "") -> sql.Composed:
    names = [sql.Identifier(prefix, name) if prefix else sql.Identifier(name) for name in columns]
    return sql.SQL(", ").join(names)
