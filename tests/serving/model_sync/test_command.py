"""`marketcast sync-models` as a process: exit codes, signals, metrics, two at once."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from components.errors import ConfigError
from serving.metrics_server import MetricsServer
from serving.model_sync.command import JITTER, MAX_PAUSE_SECONDS, choose_pause
from serving.model_sync.config import SyncConfig
from serving.model_sync.metrics import STUCK_SECONDS, SyncMetrics
from tests.conftest import ROOT
from tests.serving.model_sync.versions import (
    TIMEOUT_SECONDS,
    list_hidden,
    list_whole,
    make_command,
    make_files,
    run_command,
    started,
    write_files,
)

STOP_SECONDS = 15.0


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=TIMEOUT_SECONDS) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


class TestOnce:
    def test_it_mirrors_and_ends(self, bucket, target):
        bucket.push(1)
        ended = run_command(bucket.url, target, "--once", "--json")
        assert (ended.returncode, ended.stdout) == (0, "")
        (line,) = map(json.loads, ended.stderr.splitlines())
        assert (line["level"], line["version"]) == ("INFO", 1)
        assert list_whole(target) == [1]

    def test_a_source_out_of_reach_fails_where_nothing_is_there(self, bucket, target):
        bucket.push(1)
        ended = run_command(bucket.url, target, "--once", "--endpoint", "http://127.0.0.1:1")
        assert ended.returncode == 5
        told, error = ended.stderr.splitlines()
        assert f"{bucket.url} must be a place that can be read, got: " in told
        assert error.startswith(
            f"error: {target} must hold a version that can be served after a sync, got none"
        )
        assert run_command(bucket.url, target, "--once").returncode == 0
        ended = run_command(bucket.url, target, "--once", "--endpoint", "http://127.0.0.1:1")
        assert ended.returncode == 0
        assert len(ended.stderr.splitlines()) == 1

    def test_a_corrupted_version_alone_fails(self, bucket, target):
        bucket.push(1, {**make_files(1), "saved_model.pb": b"x"})
        ended = run_command(bucket.url, target, "--once")
        assert ended.returncode == 5
        assert re.search(
            r"version 1 must be what its manifest says, got: saved_model\.pb must have", ended.stderr
        )
        assert list_whole(target) == []

    def test_a_target_that_cannot_be_written(self, bucket, tmp_path):
        bucket.push(1)
        (tmp_path / "file").touch()
        ended = run_command(bucket.url, tmp_path / "file" / "models", "--once")
        assert ended.returncode == 5
        assert "Traceback" not in ended.stderr
        assert "must be a folder that user" in ended.stderr

    @pytest.mark.parametrize(
        ("flags", "code", "said"),
        [
            (("--from", "ftp://x/y", "--to", "z"), 4, "error: --from must be s3://BUCKET/PREFIX"),
            (("--from", "s3://", "--to", "z"), 4, "error: --from must be"),
            (("--from", "s3://x", "--to", "gs://z"), 4, "error: --to must be a local folder"),
            (("--from", "x", "--to", "./x"), 4, "error: --to must be another folder"),
            (("--from", "x", "--to", "z", "--keep", "0"), 4, "error: --keep must be at least 1"),
            (("--from", "x", "--to", "z", "--every", "0"), 4, "error: --every must be above 0"),
            (("--from", "x", "--to", "z", "--every", "1", "--once"), 2, "exclude each other"),
            (
                ("--from", "x", "--to", "z", "--metrics-port", "99999"),
                5,
                "error: --metrics-port must be free",
            ),
        ],
    )
    def test_wrong_flags(self, flags, code, said, tmp_path):
        command = [*make_command("a", "b")[:-4], *flags]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
        assert "Traceback" not in ended.stderr


class TestSidecar:
    def test_it_follows_the_source_and_tells_how_it_stands(self, bucket, target, tmp_path):
        bucket.push(1)
        flags = ("--every", 0.1, "--keep", 1, "--metrics-port", 0, "--json")
        with started(bucket.url, target, *flags, log=tmp_path / "log") as process:
            wait_until(lambda: (target / "1").exists())
            port = int(re.search(r"told on port (\d+)", (tmp_path / "log").read_text())[1])
            bucket.push(2)
            wait_until(lambda: not (target / "1").exists())
            assert list_whole(target) == [2]
            bucket.push(3, {**make_files(3), "saved_model.pb": b"x"})
            wait_until(lambda: 'failures_total{reason="damaged"} 2' in ask(port, "/metrics")[1])
            kind, text = ask(port, "/metrics")
            assert kind.startswith("text/plain; version=0.0.4")
            figures = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
            assert all(name.startswith("marketcast_sync_") for name in figures)
            assert float(figures["marketcast_sync_last_success_timestamp_seconds"]) <= time.time()
            assert figures["marketcast_sync_newest_version"] == "2"
            assert figures["marketcast_sync_source_newest_version"] == "3"
            assert figures["marketcast_sync_versions"] == "1"
            assert figures["marketcast_sync_deleted_versions_total"] == "1"
            assert float(figures["marketcast_sync_fetched_bytes_total"]) > 2 * 4 * 2000
            assert ask(port, "/healthz")[1] == "ok\n"
            with pytest.raises(urllib.error.HTTPError, match="404"):
                ask(port, "/")
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0
        lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
        assert [line["message"][:9] for line in lines if line["level"] == "ERROR"] == ["version 3"], (
            "told once"
        )
        assert lines[-1]["message"] == "stopped by SIGTERM"

    def test_it_outlives_an_outage(self, tmp_path, target):
        folder = tmp_path / "pushed"
        with started(folder, target, "--every", 0.05, log=tmp_path / "log"):
            wait_until(lambda: "must be a place that can be read" in (tmp_path / "log").read_text())
            write_files(tmp_path / "pushing" / "1", make_files(1))
            (tmp_path / "pushing").rename(folder)
            wait_until(lambda: "all is well again" in (tmp_path / "log").read_text())
        assert list_whole(target) == [1]

    @pytest.mark.parametrize(("flags", "code"), [(("--once",), 130), (("--every", "1"), 0)])
    def test_sigterm_ends_it_at_once_in_the_middle(self, flags, code, bucket, target, tmp_path):
        bucket.push(1, make_files(1, num_shards=60))
        with started(bucket.url, target, *flags, log=tmp_path / "log") as process:
            wait_until(lambda: (target / ".sync-1").exists())
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == code
        assert list_whole(target) == []
        assert "Traceback" not in (tmp_path / "log").read_text()
        assert run_command(bucket.url, target, "--once").returncode == 0
        assert list_whole(target) == [1]

    def test_sigterm_ends_it_while_a_server_says_nothing(self, bucket, target, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
            flags = ("--once", "--endpoint", endpoint)
            with started(bucket.url, target, *flags, log=tmp_path / "log") as process, silent.accept()[0]:
                process.send_signal(signal.SIGTERM)
                assert process.wait(STOP_SECONDS) == 130

    def test_syncs_of_one_folder_do_each_other_no_harm(self, bucket, target, tmp_path):
        bucket.push(1, make_files(1, num_shards=40))
        with (
            started(bucket.url, target, "--once", log=tmp_path / "one") as one,
            started(bucket.url, target, "--once", log=tmp_path / "two") as two,
        ):
            assert [one.wait(TIMEOUT_SECONDS), two.wait(TIMEOUT_SECONDS)] == [0, 0]
        assert list_whole(target) == [1]
        assert list_hidden(target) == []
        logs = (tmp_path / "one").read_text() + (tmp_path / "two").read_text()
        assert logs.count("version 1 is in place") == 1


def test_it_starts_without_frameworks(tmp_path):
    code = (
        "import sys; from pipeline.cli import main; "
        f"main(['sync-models', '--from', {str(tmp_path)!r}, '--to', {str(tmp_path / 'to')!r}, '--once'])"
    )
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if "|" in line}
    assert "obstore" in imported
    assert not imported & {"tensorflow", "tfx", "keras", "kfp", "kubernetes", "pandas", "grpc"}


class TestPause:
    def test_it_doubles_up_to_a_limit(self):
        assert [choose_pause(15, n, 0) for n in range(5)] == [15, 30, 60, 120, MAX_PAUSE_SECONDS]
        assert choose_pause(15, 10**6, 1) == pytest.approx(MAX_PAUSE_SECONDS * (1 + JITTER))

    def test_it_is_never_shorter_than_asked(self):
        assert choose_pause(3600, 5, 0) == 3600


def test_a_sync_that_hangs_is_not_healthy(monkeypatch):
    metrics = SyncMetrics()
    server = MetricsServer(metrics, 0, pause_seconds=15)
    try:
        assert ask(server.port, "/healthz")[1] == "ok\n"
        late = time.monotonic() + STUCK_SECONDS + 16
        monkeypatch.setattr("serving.model_sync.metrics.time.monotonic", lambda: late)
        with pytest.raises(urllib.error.HTTPError, match="503"):
            ask(server.port, "/healthz")
        metrics.beat()
        assert ask(server.port, "/healthz")[1] == "ok\n"
    finally:
        server.close()


def test_a_config_is_checked():
    with pytest.raises(ConfigError):
        SyncConfig("", "x")
