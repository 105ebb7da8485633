"""Each kind of source, read over a socket or from a disk."""

from __future__ import annotations

import contextlib
import http.server
import json
import ssl
import threading
import urllib.parse

import pytest

from components import object_store
from components.push.publish import LOCK_FILE
from serving.model_sync.problems import IncompleteVersionError, SourceError
from serving.model_sync.source import open_source
from tests.serving.certificates import Authority
from tests.serving.model_sync.versions import PREFIX, list_whole, make_files, make_scene, write_files


def read_all(opened, version):
    return {path: b"".join(opened.read(version, path)) for path in opened.list_files(version)}


class TestS3:
    def test_versions_and_files(self, bucket):
        files = {**make_files(2), "assets/ä b%20+&?.txt": b"x", "empty": b""}
        bucket.push(2, files)
        bucket.push(10)
        for name in (".pushing-3/a", "03/a", "-4/a", "5a/a", "6"):
            bucket.write(name, b"x")
        opened = open_source(bucket.url, "")
        assert opened.list_versions() == [2, 10]
        assert opened.list_files(2) == {path: len(content) for path, content in files.items()}
        assert read_all(opened, 2) == files

    def test_more_than_a_page_holds(self, bucket, monkeypatch):
        monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "4")
        for version in range(1, 11):
            bucket.push(version)
        opened = open_source(bucket.url, "")
        assert opened.list_versions() == list(range(1, 11))
        assert opened.list_files(1).keys() == make_files(1).keys()
        assert len(bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]) == 4

    def test_the_top_of_a_bucket_is_a_place(self, bucket):
        bucket.client.put_object(Bucket=bucket.name, Key="7/saved_model.pb", Body=b"x")
        for url in (f"s3://{bucket.name}", f"s3://{bucket.name}/"):
            assert open_source(url, "").list_versions() == [7]

    def test_an_object_that_is_gone(self, bucket):
        bucket.push(1)
        with pytest.raises(IncompleteVersionError, match="version 1 must hold nope"):
            list(open_source(bucket.url, "").read(1, "nope"))

    def test_the_flag_goes_before_the_environment(self, bucket, s3_endpoint, monkeypatch):
        bucket.push(1)
        for name in object_store.ENDPOINT_VARIABLES:
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert open_source(bucket.url, s3_endpoint).list_versions() == [1]
        with pytest.raises(SourceError):
            open_source(bucket.url, "").list_versions()

    def test_minio_is_kubeflows_unless_told(self, bucket, s3_endpoint, monkeypatch):
        bucket.push(1)
        url = bucket.url.replace("s3://", "minio://")
        assert open_source(url, "").list_versions() == [1]
        monkeypatch.setattr(object_store, "KUBEFLOW_ENDPOINT", s3_endpoint)
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        assert open_source(url, "", {}).list_versions() == [1]

    def test_trouble_reads_the_same_twice(self, bucket):
        opened = open_source(bucket.url, "http://127.0.0.1:1")
        messages = set()
        for _ in range(2):
            with pytest.raises(SourceError) as raised:
                opened.list_versions()
            messages.add(str(raised.value))
        assert len(messages) == 1


class StandIn(http.server.BaseHTTPRequestHandler):
    """The two calls that a sync makes of GCS' XML API or of S3; one bucket, whatever the credentials."""

    objects: dict[str, bytes]

    def do_GET(self):
        path, _, query = self.path.partition("?")
        key = urllib.parse.unquote(path).removeprefix("/bucket").lstrip("/")
        if not key:
            self._answer(200, self._list(dict(urllib.parse.parse_qsl(query))).encode())
        elif key in self.objects:
            self._answer(200, self.objects[key])
        else:
            self._answer(404, b"<Error/>")

    def _list(self, query):
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        keys = [key for key in sorted(self.objects) if key.startswith(prefix)]
        rests = {key: key.removeprefix(prefix) for key in keys}
        folders = {r.partition("/")[0] for r in rests.values() if delimiter and "/" in r}
        plain = [key for key, rest in rests.items() if not (delimiter and "/" in rest)]
        entries = [
            f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<Size>{len(self.objects[key])}</Size><ETag>x</ETag></Contents>"
            for key in plain
        ] + [f"<CommonPrefixes><Prefix>{prefix}{name}/</Prefix></CommonPrefixes>" for name in sorted(folders)]
        return f"<ListBucketResult>{''.join(entries)}</ListBucketResult>"

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("ETag", '"x"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def standing_in(context=None):
    """The port of a stand-in with versions 1 and 2; speaks TLS if there is a context for it."""
    objects = {f"{PREFIX}/{v}/{path}": body for v in (1, 2) for path, body in make_files(v).items()}
    handler = type("Handler", (StandIn,), {"objects": objects})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_gcs(target, tmp_path, monkeypatch):
    with standing_in() as port:
        account = {
            "gcs_base_url": f"http://127.0.0.1:{port}",
            "disable_oauth": True,
            "client_email": "",
            "private_key": "",
            "private_key_id": "",
        }
        file = tmp_path / "account.json"
        file.write_text(json.dumps(account))
        monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(file))
        assert make_scene(f"gs://bucket/{PREFIX}", target).run() == ([1, 2], [])
    assert list_whole(target) == [1, 2]


def test_a_service_with_a_certificate_of_its_own(target, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    authority = Authority("ours")
    pair, file = authority.issue(), tmp_path / "pair.pem"
    file.write_bytes(pair.certificate + pair.private_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.certificate)
    with standing_in(context) as port:
        given = {"source": f"minio://bucket/{PREFIX}", "endpoint": f"https://127.0.0.1:{port}"}
        assert make_scene(target=target, **given).run() == ([], ["source"])
        monkeypatch.setenv(object_store.CA_VARIABLE, str(roots))
        assert make_scene(target=target, **given).run() == ([1, 2], [])
        monkeypatch.setenv(object_store.CA_VARIABLE, str(tmp_path / "nope"))
        assert make_scene(target=target, **given).run() == ([1, 2], ["source"])


def test_an_endpoint_that_is_no_url(target):
    given = {"source": f"minio://bucket/{PREFIX}", "endpoint": "localhost:9000"}
    assert make_scene(target=target, **given).run() == ([], ["source"])


class TestFolder:
    def test_another_volume(self, tmp_path, target):
        folder = tmp_path / "pushed models"
        for version in (1, 2, 3, 4):
            write_files(folder / str(version), make_files(version))
        write_files(folder / ".pushing-5", make_files(5))
        (folder / LOCK_FILE).touch()
        assert make_scene(folder, target).run() == ([2, 3, 4], [])
        assert list_whole(target) == [2, 3, 4]

    def test_one_that_is_mounted_late(self, tmp_path, target):
        folder = tmp_path / "pushed"
        scene = make_scene(folder, target)
        assert scene.run() == ([], ["source"])
        write_files(folder / "1", make_files(1))
        assert scene.run() == ([1], [])
        folder.rename(tmp_path / "unmounted")
        whole, reasons = scene.run()
        assert whole == [1]
        assert set(reasons) <= {"source", "empty"} and reasons
