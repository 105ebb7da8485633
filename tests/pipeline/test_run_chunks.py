"""`marketcast ingest --chunks` as a user types it."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

from components.errors import ConfigError
from pipeline import spark_session
from tests.conftest import ROOT, run_marketcast


def test_chunks_of_the_shipped_bars(tmp_path: pathlib.Path) -> None:
    ended = run_marketcast(tmp_path, "ingest", "--chunks", "out/chunks", "--json")
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert result["report"]["num_bars"] == 12154
    assert "12,154 bars of 5 tickers, 196 quarantined (FB: 196 bars)" in ended.stderr
    assert sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file()) == [
        *(["data_tfrecord-00000-of-00001.gz"] * 3),
        "ingest_report.json",
        "quarantine.csv",
    ]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--set", "source.path=none.csv"], 4, "source.path must lead to files"),
        (["--set", "chunks.num_shards=-1"], 4, "chunks.num_shards must be at least 1, or 0, got -1"),
        (["--set", "chunks.test_start=2030-01-01"], 4, "split test must hold known labels"),
        (["--set", "chunks.as_of=1990-01-01"], 4, "got no bars up to chunks.as_of 1990-01-01; give a later"),
        (["--spark-master", "local[1]"], 2, "--spark-master must stand beside --engine spark"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    tmp_path: pathlib.Path, arguments: list[str], exit_code: int, message: str
) -> None:
    ended = run_marketcast(tmp_path, "ingest", "--chunks", "out/chunks", *arguments)
    assert ended.returncode == exit_code
    printed = ended.stdout + ended.stderr
    assert message in printed
    assert "Traceback" not in printed
    assert list((tmp_path / "out").rglob("*")) == []


def test_without_java_the_error_says_what_to_install(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="must find Java"):
        spark_session.check_installed()


@pytest.mark.parametrize("master", ["spark://127.0.0.1:1", "spark://127.0.0.1:1,localhost:1", "spark://host"])
def test_a_master_that_does_not_listen_is_told_at_once(master: str) -> None:
    with pytest.raises(ConfigError, match=f"can be reached, got {master}"):
        spark_session.check_reachable(master)


def test_executors_import_the_steps_from_the_zip_without_a_framework(tmp_path: pathlib.Path) -> None:
    path = spark_session.zip_code(tmp_path)
    names = zipfile.ZipFile(path).namelist()
    assert "components/ingest/chunk_job.py" in names
    program = (
        "import sys; from components.ingest import spark_engine\n"
        f"assert spark_engine.__file__.startswith({str(path)!r}), spark_engine.__file__\n"
        "frameworks = {'tensorflow', 'tfx', 'apache_beam', 'pyspark'} & set(sys.modules)\n"
        "sys.exit(', '.join(frameworks) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": str(path)}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ROOT not in path.parents
