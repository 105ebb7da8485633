"""`marketcast ingest`: which flags go together."""

from __future__ import annotations

import pathlib

import pytest
from click.testing import CliRunner

from pipeline.ingest import ingest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of --lake LOCATION and --chunks DIR must be given"),
        (["--lake", "a", "--chunks", "b"], "one of --lake LOCATION and --chunks DIR must be given"),
        (["--lake", "a", "--engine", "spark"], "--engine and --spark-master must stand beside --chunks"),
        (["--chunks", "b", "--correct"], "must stand beside --lake"),
        (["--chunks", "b", "--known-on", "2013-03-01"], "must stand beside --lake"),
        (["--chunks", "b", "--withdraw", "bars.csv"], "must stand beside --lake"),
        (["--lake", "a", "--compact", "--correct"], "--compact and --forget-before go alone"),
        (["--lake", "a", "--compact", "--withdraw", "bars.csv"], "--compact and --forget-before go alone"),
        (["--lake", "a", "--compact", "--known-on", "2021-01-04"], "--compact and --forget-before go alone"),
        (["--lake", "a", "--correct", "--withdraw", "bars.csv"], "must be commands of their own"),
        (["--lake", ""], "--lake must be followed by LOCATION, got ''"),
        (["--chunks", ""], "--chunks must be followed by DIR, got ''"),
        (["--lake", "a", "--withdraw", ""], "--withdraw must be followed by FILE, got ''"),
        (["--lake", "a", "--forget-before", ""], "--forget-before must be followed by DAY, got ''"),
        (["--lake", "a", "--known-on", ""], "--known-on must be followed by DAY, got ''"),
        (["--chunks", "b", "--known-on", ""], "--known-on must be followed by DAY, got ''"),
        (["--lake", "a", "--spark-master", ""], "--spark-master must be followed by URL, got ''"),
    ],
)
def test_flags_of_the_other_kind_are_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(ingest, arguments)
    assert ended.exit_code == 2
    assert message in ended.output
    assert not any(tmp_path.iterdir())
