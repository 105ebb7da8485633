"""What each role may do, and what it is refused; asked of a real server."""

from __future__ import annotations

import dataclasses
import uuid

import psycopg
import pytest

from components.database.bars_loader import load_bars
from components.database.roles import INGEST, READER, WRITER, grant_roles
from components.database.run_writer import write_run
from components.errors import DatabaseError
from components.ingest.bars import ValidationConfig
from components.ingest.panel import read_panel
from tests.components.database.records import make_record, make_source
from tests.components.ingest.shipped import SHIPPED_SOURCE

pytestmark = pytest.mark.postgres

ALL = {
    "bars", "companies", "runs", "verdict_checks", "forecasts", "schema_version", "latest_forecast",
    "forecast_beside_actual", "skill_by_ticker_month",
}  # fmt: skip
READS = {
    READER: {"latest_forecast", "forecast_beside_actual", "skill_by_ticker_month"},
    INGEST: {"bars", "companies", "schema_version"},
    WRITER: {"runs", "verdict_checks", "forecasts", "schema_version"},
}
WRITES = {READER: set(), INGEST: set(), WRITER: {"runs", "verdict_checks", "forecasts"}}


@pytest.fixture(name="become")
def fixture_become(postgres_server, database):
    """Role -> the configuration of a new user who has that role and no other."""
    grant_roles(database)

    def become(role):
        user = f"user_{uuid.uuid4().hex}"
        postgres_server.administer(f"CREATE ROLE {user} LOGIN IN ROLE {role}")
        return dataclasses.replace(database, user=user, host=str(postgres_server.folder))

    return become


def may(config, statement):
    with psycopg.connect(
        host=config.host, port=config.port, dbname=config.name, user=config.user
    ) as connection:
        try:
            connection.execute(statement)
            return True
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            connection.rollback()


@pytest.mark.parametrize("role", [READER, INGEST, WRITER])
def test_a_role_may_what_it_is_for_and_nothing_else(role, become):
    config = become(role)
    assert {name for name in ALL if may(config, f"SELECT * FROM marketcast.{name}")} == READS[role]
    changed = dict.fromkeys(WRITES[WRITER], "updated_at = now()") | {
        "bars": "close = 1",
        "companies": "name = ''",
    }
    assert {
        name for name, change in changed.items() if may(config, f"UPDATE marketcast.{name} SET {change}")
    } == WRITES[role]
    inserted = {"bars": "ticker", "runs": "run_id", "forecasts": "ticker"}
    for name, column in inserted.items():
        assert may_insert(config, name, column) is (name in WRITES[role])
    for name in ALL - READS[READER]:
        assert not may(config, f"DELETE FROM marketcast.{name}")
    assert not may(config, "TRUNCATE marketcast.runs CASCADE")
    assert not may(config, "DROP TABLE marketcast.forecasts CASCADE")
    assert not may(config, "CREATE TABLE marketcast.mine (x integer)")


def may_insert(config, name, column):
    try:
        return may(config, f"INSERT INTO marketcast.{name} ({column}) VALUES ('x')")
    except psycopg.errors.NotNullViolation:
        return True


def test_no_role_owns_anything_or_logs_in(become, execute):
    become(READER)
    assert (
        execute(
            "SELECT rolname FROM pg_roles WHERE rolname IN ('marketcast_reader', 'marketcast_ingest', "
            "'marketcast_writer') AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb)"
        )
        == []
    )
    assert execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'marketcast'") == [
        ("marketcast_owner",)
    ]


def test_each_does_its_work(become, database):
    load_bars(database, SHIPPED_SOURCE, ValidationConfig())
    ingest, writer = become(INGEST), become(WRITER)
    assert len(read_panel(make_source(ingest), ValidationConfig()).bars) == 4
    assert write_run(writer, make_record())["forecasts"] > 0
    with pytest.raises(DatabaseError, match="permission denied for table runs; grant"):
        write_run(ingest, make_record())


def test_granting_takes_back_what_was_granted_by_hand(become, database, execute):
    config = become(READER)
    execute(f"GRANT SELECT ON marketcast.bars TO {READER}")
    execute(f"GRANT CREATE ON SCHEMA marketcast TO {READER}")
    assert may(config, "SELECT * FROM marketcast.bars")
    assert may(config, "CREATE TABLE marketcast.mine (x integer)")
    grant_roles(database)
    assert not may(config, "SELECT * FROM marketcast.bars")
    assert not may(config, "CREATE TABLE marketcast.mine (x integer)")


def test_a_right_that_the_owner_of_the_tables_cannot_give_is_told(database, execute):
    execute(f"ALTER DATABASE {database.name} OWNER TO CURRENT_USER")
    execute(f"REVOKE TEMPORARY ON DATABASE {database.name} FROM PUBLIC, marketcast_owner")
    with pytest.raises(DatabaseError, match=f"{WRITER} must be given TEMPORARY on database {database.name}"):
        grant_roles(database)
