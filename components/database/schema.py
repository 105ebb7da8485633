"""The tables' version: brought up to date by Alembic, and checked before they are used."""

from __future__ import annotations

import pathlib

import alembic.command
import alembic.config
import alembic.script
import alembic.util
import sqlalchemy
from psycopg import sql

from components.database.config import DatabaseConfig
from components.database.connection import Connection, one_line, with_connection
from components.errors import DatabaseError

SCHEMA = "marketcast"
VERSION_TABLE = "schema_version"
CONNECTION_ATTRIBUTE = "connection"
"""Where the migrations find the connection that they are to use."""
_MIGRATIONS = pathlib.Path(__file__).parent / "migrations"
_LOCK = 7_205_759_403
"""Of two upgrades at a time one waits; any number that nobody else locks."""


def upgrade(config: DatabaseConfig) -> tuple[str, str]:
    """Brings the tables to the newest version, in one transaction; does nothing where they have it.

    Returns:
      The version before, empty for none, and the version now.
    Raises:
      DatabaseError: the server cannot be reached, or refuses.
    """

    def work(connection: Connection) -> tuple[str, str]:
        try:
            return migrate(connection)
        except sqlalchemy.exc.DBAPIError as error:
            if connection.closed and error.orig is not None:  # It is begun anew.
                raise error.orig from error
            raise

    def migrate(connection: Connection) -> tuple[str, str]:
        connection.autocommit = False  # SQLAlchemy begins and commits.
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=lambda: connection, poolclass=sqlalchemy.StaticPool
        )
        with engine.begin() as wrapped:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            before = _read_version(connection)
            if not before:
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
            settings = _settings()
            settings.attributes[CONNECTION_ATTRIBUTE] = wrapped
            alembic.command.upgrade(settings, "head")
            return before, _read_version(connection)

    try:
        return with_connection(config, work)
    except sqlalchemy.exc.DBAPIError as error:
        raise DatabaseError(
            f"database {config.place} must let {config.user} make tables, got: "
            f"{one_line(error.orig or error)}; grant CREATE on the database, or upgrade as the tables' owner"
        ) from error
    except alembic.util.CommandError as error:
        raise DatabaseError(
            f"database {config.place} must have tables of a version that this code knows, got: "
            f"{one_line(error)}; use the newest marketcast"
        ) from error


def check_version(config: DatabaseConfig) -> None:
    """Makes sure that the tables are those of this code.

    Raises:
      DatabaseError: they are older, newer or not there, or the server cannot be reached.
    """
    found = with_connection(config, _read_version)
    expected = newest_version()
    if found and found not in _known_versions():
        raise DatabaseError(
            f"database {config.place} must have tables of version {expected}, got {found}, which is unknown "
            "here; use the newest marketcast"
        )
    if found != expected:
        raise DatabaseError(
            f"database {config.place} must have tables of version {expected}, got {found or 'none'}; run "
            "`marketcast database upgrade` with this version of marketcast"
        )


def newest_version() -> str:
    """The version that the code goes by."""
    return str(_read_scripts().get_current_head())


def _known_versions() -> set[str]:
    return {script.revision for script in _read_scripts().walk_revisions()}


def _read_scripts() -> alembic.script.ScriptDirectory:
    return alembic.script.ScriptDirectory.from_config(_settings())


def _read_version(connection: Connection) -> str:
    """Empty where there is none; a role that must not know it is refused."""
    table = f"{SCHEMA}.{VERSION_TABLE}"
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    if found != (True,):
        return ""
    row = connection.execute(
        sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(SCHEMA, VERSION_TABLE))
    )
    return str((row.fetchone() or ("",))[0])


def _settings() -> alembic.config.Config:
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return settings
