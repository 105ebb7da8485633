"""The commands that need a database, as a user types them, where there is none or it is a real one."""

from __future__ import annotations

import json

import pytest

from tests.conftest import run_marketcast

NOBODY = ("--set", "database.host=127.0.0.1", "--set", "database.port=1", "--set", "database.sslmode=require")
REFUSAL = "error: database marketcast at 127.0.0.1:1 must let marketcast in, got: connection failed"


@pytest.mark.parametrize("command", ["upgrade", "load", "roles"])
def test_without_a_server_a_command_is_one_line_and_ends_with_5(tmp_path, command):
    ended = run_marketcast(tmp_path, "database", command, *NOBODY)
    assert (ended.returncode, ended.stdout) == (5, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith(REFUSAL)


def test_a_wrong_setting_is_one_line_and_ends_with_4(tmp_path):
    ended = run_marketcast(tmp_path, "database", "upgrade", "--set", "database.sslmode=prefer")
    assert ended.returncode == 4
    assert ended.stderr.startswith("error: database.sslmode must be one of verify-full")


@pytest.mark.tf
def test_a_run_without_a_server_ends_at_once_with_5_and_leaves_only_its_log(tmp_path):
    ended = run_marketcast(tmp_path, "run", "--source", "postgres", "--json", *NOBODY)
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["exit_code"], report["components"]) == (5, 5, [])
    assert f"error: {report['error']}" in ended.stderr and REFUSAL.removeprefix("error: ") in report["error"]
    assert "Traceback" not in ended.stderr
    assert {path.parent.name for path in (tmp_path / "run").rglob("*") if path.is_file()} == {"logs"}


@pytest.mark.postgres
def test_tables_and_bars_are_there_after_two_commands(tmp_path, postgres_server):
    config = postgres_server.create_database("by_command", template="template1")
    names = ("host", "port", "name", "user", "password_file", "sslrootcert")
    settings = [part for name in names for part in ("--set", f"database.{name}={getattr(config, name)}")]
    early = run_marketcast(tmp_path, "database", "load", *settings)
    assert early.returncode == 5 and "run `marketcast database upgrade`" in early.stderr
    for command, said in (
        ("upgrade", "went from nothing to version 0001"),
        ("load", "12,154 bars and 5 companies added or changed, 0 rows quarantined"),
    ):
        done = run_marketcast(tmp_path, "database", command, *settings)
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout
    told = run_marketcast(tmp_path, "database", "load", *settings, "--set", "source.actions_path=a.csv")
    assert (told.returncode, told.stderr.count("source.actions_path is not used here: ")) == (0, 1)


def test_a_password_that_stands_where_none_may_is_not_shown(tmp_path):
    for setting in ("database.password=hunter2", "database.host=postgresql://u:hunter2@h/db"):
        ended = run_marketcast(tmp_path, "database", "upgrade", "--set", setting)
        assert ended.returncode == 4
        assert setting.partition("=")[0] in ended.stderr and "hunter2" not in ended.stderr
