"""The section `database`, and where the password comes from."""

from __future__ import annotations

import dataclasses

import pytest

from components.database.config import PASSWORD_VARIABLE, DatabaseConfig
from components.database.connection import connect
from components.errors import ConfigError
from components.ingest.source_config import SourceConfig


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"host": ""}, "database.host must be given"),
        ({"port": 0}, "database.port must be in 1 to 65535, got 0"),
        ({"sslmode": "prefer"}, "database.sslmode must be one of verify-full, verify-ca, require, disable"),
        ({"publish": "yes"}, "database.publish must be one of auto, always, never, got 'yes'"),
        ({"connect_timeout_seconds": 1}, "database.connect_timeout_seconds must be at least 2"),
        ({"host": "postgresql://u:secret@h/db"}, "database.host must be a name, got a URL; (?!.*secret)"),
        ({"name": "postgresql://u:secret@h/db"}, "database.name must be a name, got a URL; (?!.*secret)"),
        ({"attempts": 0}, "database.attempts must be at least 1"),
    ],
)
def test_what_is_refused(changes, fragment):
    with pytest.raises(ValueError, match=fragment):
        DatabaseConfig(**changes)


def test_the_server_is_verified_unless_it_is_said_otherwise():
    assert DatabaseConfig().sslmode == "verify-full"
    with pytest.raises(ConfigError, match=r"database\.sslrootcert must be given"), connect(DatabaseConfig()):
        pass


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"kind": "oracle"}, "source.kind must be one of files, postgres, got 'oracle'"),
        ({"query": " "}, "source.query must be a SELECT, got ''"),
        ({"partitions": 0}, "source.partitions must be at least 1, got 0"),
    ],
)
def test_what_is_refused_of_a_source(changes, fragment):
    with pytest.raises(ValueError, match=fragment):
        SourceConfig(**changes)


def test_files_that_are_named_are_read_whatever_the_kind():
    source = SourceConfig(kind="postgres").at_files("mine.csv")
    assert (source.kind, source.path, source.place) == ("files", "mine.csv", "mine.csv")


@pytest.mark.parametrize(("text", "got"), [("", "got 0"), ("one\ntwo\n", "got 2")])
def test_a_password_file_holds_one_line(tmp_path, text, got):
    path = tmp_path / "password"
    path.write_text(text)
    config = DatabaseConfig(password_file=str(path), sslmode="require")
    with pytest.raises(ConfigError, match=f"must hold one line, the password, {got}"), connect(config):
        pass


def test_a_missing_password_file_is_named():
    config = DatabaseConfig(password_file="nowhere", sslmode="require")
    with pytest.raises(ConfigError, match=r"database\.password_file must be a readable file.*nowhere"):
        connect(config).__enter__()


def test_a_component_keeps_a_source_without_its_paths_or_a_password(monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter2")
    server = DatabaseConfig(host="db.example", password_file="/run/secrets/password")
    source = SourceConfig(
        "a",
        "b",
        {"close": "c"},
        kind="postgres",
        query="SELECT 1",
        metadata_query="",
        partitions=3,
        database=server,
    )
    properties = source.to_properties()
    assert "hunter2" not in repr(properties)
    assert SourceConfig.from_properties(properties, "a", "b", "") == source
    assert SourceConfig.from_properties(dataclasses.asdict(source), "a", "b", "") == source


def test_a_component_keeps_of_files_nothing_of_a_database():
    kept = {"columns": {"close": "c"}, "actions_path": ""}
    assert SourceConfig("a", "b", {"close": "c"}).to_properties() == kept


def test_the_section_database_reaches_the_source_and_has_no_second_place():
    from pipeline.environment import load_serving_sections

    sections = load_serving_sections("", ["database.host=db.example", "source.kind=postgres"])
    assert sections.source.database is sections.database
    assert sections.source.database.host == "db.example"
    with pytest.raises(ConfigError, match=r"source\.database must be a known key"):
        load_serving_sections("", ["source.database.host=db.example"])
