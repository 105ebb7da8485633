"""`marketcast ingest`: what it tells, how it refuses, and two of them at once."""

from __future__ import annotations

import io
import json
import os
import pathlib
import subprocess

import pandas as pd
import pytest

from components.ingest.bars import ValidationConfig
from components.ingest.source_config import SourceConfig
from pipeline import run_ingest
from tests.components.lake.lakes import list_days, make_bars, read_lake, write_csv
from tests.conftest import MARKETCAST, ROOT, run_marketcast

SHIPPED = "data/raw/stock_prices.csv"
LAST_DAY = "2013-03-01"


def test_from_files_to_a_forecast_out_of_the_lake(tmp_path: pathlib.Path) -> None:
    bars = pd.read_csv(ROOT / SHIPPED)
    is_last = bars["date"] == LAST_DAY
    bars[~is_last].to_csv(tmp_path / "past.csv", index=False)
    bars[is_last].to_csv(tmp_path / "day.csv", index=False)
    for name, known_on, added in (("past", "2013-02-28", (~is_last).sum()), ("day", LAST_DAY, is_last.sum())):
        given = ("--lake", "lake", "--set", f"source.path={name}.csv", "--known-on", known_on)
        ended = run_marketcast(tmp_path, "ingest", *given, "--json")
        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout)
        assert (told["added"], told["known_on"], told["kind"]) == (added, known_on, "append")
    assert told["num_bars"] == len(bars)
    ended = run_marketcast(tmp_path, "ingest", "--lake", "lake", "--compact")
    assert ended.stdout.startswith(f"lake: commit 3 (compact), known on {LAST_DAY}; {len(bars):,} bars in ")
    asked = ("--set", "source.path=lake", "--set", "source.known_on='2013-02-27'", "--ticker", "AAPL")
    ended = run_marketcast(tmp_path, "forecast", *asked)
    assert ended.returncode == 4
    assert ended.stderr.startswith(
        "error: source.known_on must be 2013-02-28 or later in lake, got 2013-02-27"
    )


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("--lake", "lake", "--compact"), 4, "error: lake must hold bars to be compacted, got none"),
        (("--lake", "x://bucket/lake"), 4, "error: a lake must be a folder or s3://BUCKET/PREFIX, "),
        (("--lake", "lake", "--set", "source.path=none.csv"), 4, "error: source.path must lead to files"),
        (("--lake", "s3:/bucket/lake"), 4, "error: a lake must be a folder or s3://BUCKET/PREFIX, "),
        (("--lake", "file:/lake"), 4, "error: a lake must be a folder or s3://BUCKET/PREFIX, "),
        (("--lake", "a-file"), 4, "error: a-file must be a folder, got a file; "),
        (("--lake", "a-file/lake"), 4, "error: a-file must be a folder, got a file; "),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: pathlib.Path, arguments: tuple[str, ...], exit_code: int, message: str
) -> None:
    (tmp_path / "a-file").touch()
    ended = run_marketcast(tmp_path, "ingest", *arguments)
    assert (ended.returncode, ended.stdout) == (exit_code, "")
    assert ended.stderr.startswith(message) and ended.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-file", "data"]


def test_upkeep_goes_alone(tmp_path: pathlib.Path) -> None:
    ended = run_marketcast(tmp_path, "ingest", "--lake", "lake", "--compact", "--correct")
    assert ended.returncode == 2
    assert "--compact and --forget-before go alone" in ended.stderr


def test_a_withdrawn_file_has_its_own_column_names_where_the_lake_is_the_source(
    tmp_path: pathlib.Path,
) -> None:
    bars = make_bars(["AA", "BB"], list_days("2020-12-30", 2))
    given = SourceConfig(write_csv(tmp_path / "bars.csv", bars), "")
    run_ingest.ingest(run_ingest.IngestOptions(str(tmp_path / "lake"), given, ValidationConfig()))
    (tmp_path / "wrong.csv").write_text("Symbol,date\nAA,2020-12-30\n")
    source = SourceConfig(str(tmp_path / "lake"), "", {"ticker": "Symbol"})
    asked = run_ingest.IngestOptions(
        str(tmp_path / "lake"), source, ValidationConfig(), withdrawn_file=str(tmp_path / "wrong.csv")
    )
    assert run_ingest.ingest(asked)["withdrawn"] == 1


def test_an_interrupted_ingest_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: run_ingest.IngestOptions) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_ingest, "ingest", interrupt)
    stdout, stderr = io.StringIO(), io.StringIO()
    asked = run_ingest.IngestOptions("lake", SourceConfig(SHIPPED, ""), ValidationConfig())
    assert run_ingest.run(asked, stdout, stderr) == 130
    assert (stdout.getvalue(), stderr.getvalue().count("\n")) == ("", 1)


def test_two_at_once_both_get_in(tmp_path: pathlib.Path) -> None:
    parts = [make_bars([f"T{number}"], list_days("2020-12-20", 30)) for number in range(2)]
    commands = [
        [*MARKETCAST, "ingest", "--lake", str(tmp_path / "lake"), "--json", "--set", f"source.path={path}"]
        for path in (write_csv(tmp_path / f"{number}.csv", part) for number, part in enumerate(parts))
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen(c, env=environment, stdout=subprocess.PIPE, text=True) for c in commands]
    told = [json.loads(process.communicate()[0]) for process in processes]
    assert sorted(one["commit"] for one in told) == [1, 2]
    assert read_lake(tmp_path / "lake") == parts[0] | parts[1]
