"""Writes a run: all of it is seen at once, or nothing."""

from __future__ import annotations

from components.database.config import DatabaseConfig
from components.database.connection import Connection, with_connection
from components.database.tables import RunRecord
from components.database.upserts import upsert


def write_run(config: DatabaseConfig, record: RunRecord) -> dict[str, int]:
    """Writes a run in one transaction; a lost connection begins it anew.

    Returns:
      Table -> rows that were added or changed; all 0 where the run is there already.
    Raises:
      DatabaseError: the server cannot be reached, is lost too often, or refuses.
    """

    def work(connection: Connection) -> dict[str, int]:
        with connection.transaction():
            return {table.name: upsert(connection, table, rows) for table, rows in record.rows().items()}

    return with_connection(config, work)
