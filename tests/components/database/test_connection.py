"""Connections to a real server: encrypted, verified, and what is said when there is none."""

from __future__ import annotations

import pytest

from components.database.config import PASSWORD_VARIABLE
from components.database.connection import connect, with_connection
from components.errors import DatabaseError
from tests.fixtures.postgres_server import PASSWORD
from tests.serving.certificates import Authority

pytestmark = pytest.mark.postgres


def refusal_of(config):
    with pytest.raises(DatabaseError) as refused, connect(config):
        pass
    text = str(refused.value)
    assert "\n" not in text and PASSWORD not in text
    return text


def test_it_is_encrypted(database):
    with connect(database) as connection:
        assert connection.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (
            True,
        )


def test_plain_text_is_not_let_in(database, postgres_server):
    assert "no encryption" in refusal_of(postgres_server.config(database.name, sslmode="disable"))


def test_a_server_of_another_authority_is_not_trusted(database, postgres_server, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(Authority("somebody else").certificate)
    changed = postgres_server.config(database.name, sslrootcert=str(other))
    assert "certificate verify failed" in refusal_of(changed)


def test_the_authorities_of_the_machine_will_do(database, postgres_server, monkeypatch):
    changed = postgres_server.config(database.name, sslrootcert="system")
    assert "certificate verify failed" in refusal_of(changed)
    monkeypatch.setenv("SSL_CERT_FILE", str(postgres_server.authority_file))
    assert with_connection(changed, lambda connection: connection.info.user) == changed.user


def test_a_certificate_for_another_name_is_not_trusted(database, postgres_server):
    changed = postgres_server.config(database.name, host="localhost")
    assert 'does not match host name "localhost"' in refusal_of(changed)


def test_the_password_comes_from_the_environment_too(database, postgres_server, monkeypatch):
    without = postgres_server.config(database.name, password_file="")
    assert "no password supplied" in refusal_of(without)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert with_connection(without, lambda connection: connection.info.user) == without.user
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    assert "password authentication failed" in refusal_of(without)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    assert with_connection(without, lambda connection: connection.info.user) == without.user


def test_nobody_there_is_said_at_once(database, postgres_server):
    assert "refused" in refusal_of(postgres_server.config(database.name, port=1))


def test_a_lost_connection_begins_the_work_anew(database, monkeypatch):
    monkeypatch.setattr("components.database.connection.FIRST_PAUSE_SECONDS", 0.0)
    begun = []

    def work(connection):
        begun.append(connection.info.backend_pid)
        if len(begun) < 3:
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return "done"

    assert with_connection(database, work) == "done"
    assert len(set(begun)) == 3


def test_a_connection_that_is_lost_again_and_again_ends_in_one_line(database, monkeypatch):
    monkeypatch.setattr("components.database.connection.FIRST_PAUSE_SECONDS", 0.0)
    lose = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(DatabaseError, match="must last, got it lost 4 times") as lost:
        with_connection(database, lambda connection: connection.execute(lose))
    assert "\n" not in str(lost.value)


def test_a_connection_that_is_lost_as_soon_as_it_is_made_is_begun_anew_too(database, monkeypatch):
    monkeypatch.setattr("components.database.connection.FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(
        "components.database.connection._SETTINGS", "SELECT pg_terminate_backend(pg_backend_pid())"
    )
    with pytest.raises(DatabaseError, match="must last, got it lost 4 times"):
        with_connection(database, lambda connection: connection.info.user)


def test_another_ones_lock_is_not_waited_for_for_ever(database, monkeypatch):
    assert with_connection(database, lambda it: it.execute("SHOW lock_timeout").fetchone()) == ("5min",)
    monkeypatch.setattr("components.database.connection._SETTINGS", "SET lock_timeout TO '50ms'")
    with connect(database) as other, other.transaction():
        other.execute("LOCK TABLE marketcast.bars IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseError, match="canceling statement due to lock timeout") as refused:
            with_connection(database, lambda it: it.execute("SELECT count(*) FROM marketcast.bars"))
    assert "\n" not in str(refused.value)
