"""A lake in a real S3 server over a socket."""

from __future__ import annotations

import concurrent.futures
import pathlib

import pytest

from components.errors import InputError
from components.ingest import sources
from components.ingest.bars import ValidationConfig
from components.ingest.panel import read_panel
from components.ingest.sources import SourceConfig
from components.lake.storage import Storage, TakenError
from tests.components.lake.lakes import add, list_days, make_bars, read_lake, take_in, write_csv

OLD = make_bars(["AA", "BB"], list_days("2019-06-01", 400))


def test_append_correct_compact_and_read(bucket, tmp_path: pathlib.Path) -> None:
    url = f"s3://{bucket.name}/prices/lake"
    take_in(url, write_csv(tmp_path / "old.csv", OLD), known_on="2020-07-04")
    source = SourceConfig(url, "", known_on="2020-07-04")
    before = sources.fingerprint(source)
    add(url, {("AA", "2020-07-05"): 7.0}, "2020-07-05")
    add(url, {("AA", "2019-06-02"): 8.0}, "2020-07-05", is_correction=True)
    told = take_in(url, "none.csv", is_compaction=True)
    new = OLD | {("AA", "2020-07-05"): 7.0, ("AA", "2019-06-02"): 8.0}
    assert read_lake(url) == new and read_lake(url, "2020-07-04") == OLD
    assert (told["lake"], told["num_files"]) == (url, 4)
    assert sources.fingerprint(source) == before != sources.fingerprint(SourceConfig(url, ""))
    files = sources.list_files(source)
    assert len(files) == 4 and all(file.startswith(f"{url}/bars/year=20") for file in files)
    bars = read_panel(source, ValidationConfig()).bars
    assert {ticker: len(own) for ticker, own in bars.items()} == {"AA": 400, "BB": 400}


def test_writers_at_once_all_get_in(bucket) -> None:
    url = f"s3://{bucket.name}/lake"
    parts = [make_bars([f"T{number}"], ["2021-01-04"]) for number in range(6)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert all(pool.map(lambda part: add(url, part, "2021-01-05"), parts))
    assert read_lake(url) == {key: value for part in parts for key, value in part.items()}


def test_what_is_there_is_not_written_again(bucket) -> None:
    storage = Storage(f"s3://{bucket.name}/lake")
    storage.create("commits/1.json", b"first")
    with pytest.raises(TakenError):
        storage.create("commits/1.json", b"second")
    assert storage.read("commits/1.json") == b"first"
    assert storage.read("commits/2.json") is None
    storage.delete("commits/1.json")
    storage.delete("commits/1.json")
    assert storage.list("commits") == {}


def test_trouble_is_one_line(bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"must be a lake, got no contract\.json"):
        sources.list_files(SourceConfig(f"s3://{bucket.name}/nothing", ""))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(InputError, match=r"must be a place that can be read and written, got: ") as raised:
        sources.list_files(SourceConfig(f"s3://{bucket.name}/lake", ""))
    assert "\n" not in str(raised.value)
