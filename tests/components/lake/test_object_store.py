"""A lake in an S3 server and in a stand-in for GCS, over a socket."""

from __future__ import annotations

import concurrent.futures
import http.server
import json
import pathlib
import threading
import urllib.parse

import pytest

from components.errors import InputError
from components.ingest import sources
from components.ingest.bars import ValidationConfig
from components.ingest.panel import read_panel
from components.ingest.source_config import SourceConfig
from components.lake.storage import Storage, TakenError
from tests.components.lake.lakes import add, list_days, make_bars, read_lake, take_in, write_csv
from tests.serving.model_sync.test_source import StandIn

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
    assert len(sources.read_original(files[0], [1])) == 1, "rows set aside are shown as they stand"
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


class WritableStandIn(StandIn):
    """GCS' XML API as far as a lake goes: puts that may be conditional, and deletions besides."""

    def do_PUT(self) -> None:
        key = self._find_key()
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("x-goog-if-generation-match") == "0" and key in self.objects:
            self._answer(412, b"<Error/>")
        else:
            self.objects[key] = content
            self._answer(200, b"")

    def do_DELETE(self) -> None:
        self._answer(204 if self.objects.pop(self._find_key(), None) is not None else 404, b"")

    def _find_key(self) -> str:
        return urllib.parse.unquote(self.path.partition("?")[0]).removeprefix("/bucket").lstrip("/")


def test_gcs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = type("Handler", (WritableStandIn,), {"objects": {}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        account = dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
        base = {"gcs_base_url": f"http://127.0.0.1:{server.server_address[1]}", "disable_oauth": True}
        (tmp_path / "account.json").write_text(json.dumps(account | base))
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(tmp_path / "account.json"))
        url = "gs://bucket/lake"
        add(url, OLD, "2020-07-04")
        with pytest.raises(TakenError):
            Storage(url).create("commits/00000000000000000001.json", b"")
        add(url, {("AA", "2019-06-02"): 10.5}, "2020-07-05", is_correction=True)
        assert read_lake(url) == OLD | {("AA", "2019-06-02"): 10.5}
        assert read_lake(url, "2020-07-04") == OLD
        assert take_in(url, "none.csv", readable_from="2020-07-05")["deleted"] == 1
        assert read_panel(SourceConfig(url, ""), ValidationConfig()).bars["AA"].close[1] == 10.5
        server.shutdown()
        thread.join()
