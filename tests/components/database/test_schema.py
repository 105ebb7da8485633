"""The tables' versions."""

from __future__ import annotations

import concurrent.futures

import pytest

from components.database import schema
from components.errors import DatabaseError

pytestmark = pytest.mark.postgres


@pytest.fixture(name="empty")
def fixture_empty(postgres_server, request):
    return postgres_server.create_database(f"empty_{abs(hash(request.node.name))}", template="template1")


def test_from_nothing_and_once_more(empty):
    newest = schema.newest_version()
    assert schema.upgrade(empty) == ("", newest)
    assert schema.upgrade(empty) == (newest, newest)
    schema.check_version(empty)


def test_two_at_a_time_wait_for_each_other(empty):
    newest = schema.newest_version()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = sorted(pool.map(schema.upgrade, [empty, empty]))
    assert done == [("", newest), (newest, newest)]


def test_no_tables_are_said_to_be_missing(empty):
    with pytest.raises(
        DatabaseError, match=r"must have tables of version 0001, got none; run `marketcast data"
    ):
        schema.check_version(empty)


def test_tables_of_a_newer_code_are_refused(database, execute):
    execute("UPDATE marketcast.schema_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match=r"version 0001, got 9999, which .*; use the newest marketcast"):
        schema.check_version(database)
    with pytest.raises(DatabaseError, match="use the newest marketcast"):
        schema.upgrade(database)


def test_who_may_not_make_tables_is_told_so(empty, postgres_server):
    postgres_server.administer("CREATE ROLE passer_by LOGIN")
    from dataclasses import replace

    stranger = replace(empty, user="passer_by", host=str(postgres_server.folder))
    with pytest.raises(DatabaseError, match="permission denied for database") as refused:
        schema.upgrade(stranger)
    assert "\n" not in str(refused.value)
    assert postgres_server.administer("SELECT to_regnamespace('marketcast')::text", empty.name) == [(None,)]


def test_down_and_up_again_leaves_nothing_behind(database, execute):
    import alembic.command
    import sqlalchemy

    from components.database.connection import connect

    listing = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'marketcast' ORDER BY 1"
    before = execute(listing)
    with connect(database) as connection:
        connection.autocommit = False
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=lambda: connection, poolclass=sqlalchemy.StaticPool
        )
        with engine.begin() as wrapped:
            settings = schema._settings()
            settings.attributes[schema.CONNECTION_ATTRIBUTE] = wrapped
            alembic.command.downgrade(settings, "base")
    assert execute(listing) == [("schema_version",)]
    assert schema.upgrade(database)[0] == ""
    assert execute(listing) == before


def test_an_upgrade_that_loses_its_connection_is_begun_anew(empty, monkeypatch):
    upgrade, begun = schema.alembic.command.upgrade, []

    def lose_at_first(settings, revision):
        begun.append(revision)
        if len(begun) == 1:
            lose = "SELECT pg_terminate_backend(pg_backend_pid())"
            settings.attributes[schema.CONNECTION_ATTRIBUTE].exec_driver_sql(lose)
        upgrade(settings, revision)

    monkeypatch.setattr("components.database.connection.FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(schema.alembic.command, "upgrade", lose_at_first)
    assert schema.upgrade(empty) == ("", schema.newest_version())
    assert len(begun) == 2
