"""Roles for people and programs: each may do what it is for, none owns anything."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from components.database.config import DatabaseConfig
from components.database.connection import Connection, with_connection
from components.database.schema import SCHEMA, VERSION_TABLE, check_version
from components.errors import DatabaseError

READER = "marketcast_reader"
INGEST = "marketcast_ingest"
WRITER = "marketcast_writer"
_READ = ("SELECT",)
_WRITE = ("SELECT", "INSERT", "UPDATE")
GRANTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    READER: {"latest_forecast": _READ, "forecast_beside_actual": _READ, "skill_by_ticker_month": _READ},
    INGEST: {"bars": _READ, "companies": _READ, VERSION_TABLE: _READ},
    WRITER: {"runs": _WRITE, "verdict_checks": _WRITE, "forecasts": _WRITE, VERSION_TABLE: _READ},
}
"""Role -> table or view -> rights. None can log in; a user gets one by `GRANT marketcast_reader TO ...`."""


def grant_roles(config: DatabaseConfig) -> None:
    """Makes the roles where they are missing and gives them exactly their rights, in one transaction.

    Args:
      config: its user owns the tables and may make roles.
    Raises:
      DatabaseError: the tables are not of this version, or the server refuses.
    """
    check_version(config)

    def work(connection: Connection) -> None:
        with connection.transaction():
            for role, rights in GRANTS.items():
                _grant(connection, role, rights)

    with_connection(config, work)


def _grant(connection: Connection, role: str, rights: Mapping[str, tuple[str, ...]]) -> None:
    name, schema = sql.Identifier(role), sql.Identifier(SCHEMA)
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(name))
    connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(schema, name))
    connection.execute(sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(schema, name))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, name))
    for table, granted in rights.items():
        connection.execute(
            sql.SQL("GRANT {} ON {} TO {}").format(
                sql.SQL(", ").join(map(sql.SQL, granted)), sql.Identifier(SCHEMA, table), name
            )
        )
    if role == WRITER:  # What it writes waits in a temporary table.
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(database, name))
        may = "SELECT has_database_privilege(%s, current_database(), 'TEMPORARY')"
        if connection.execute(may, (role,)).fetchone() != (True,):  # The server has only warned.
            raise DatabaseError(
                f"{role} must be given TEMPORARY on database {connection.info.dbname}, got no right to give "
                f"it; have the database's owner run this, or GRANT TEMPORARY ON DATABASE ... TO {role}"
            )
