"""A sync that is killed at any moment: the servers' folder never shows an incomplete version."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import threading
import time

from components.push.manifest import verify_manifest
from components.push.publish import list_versions
from tests.serving.model_sync.versions import (
    TIMEOUT_SECONDS,
    list_hidden,
    list_whole,
    make_files,
    run_command,
    started,
)

NUM_KILLS = 50
SEED = 7
NUM_SHARDS = 12
SYNC_SECONDS = 0.25
"""About how long one version takes; a kill falls anywhere in it."""
LOOK_SECONDS = 0.001
"""A pause for the S3 server, which runs in this process."""


class Watcher(threading.Thread):
    """Looks at a folder again and again, as a server does, and notes every version that is not whole."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder = folder
        self.violations = []
        self.seen = set()
        self.num_looks = 0
        self._ended = threading.Event()

    def run(self):
        while not self._ended.is_set():
            for version in list_versions(str(self.folder)):
                self._look(pathlib.Path(self.folder, str(version)), version)
            self.num_looks += 1
            time.sleep(LOOK_SECONDS)

    def _look(self, path, version):
        try:
            before = path.stat().st_ino
            problems = verify_manifest(str(path))
            # Only what still has its number is shown: a version that is taken away meanwhile is not.
            if problems and path.stat().st_ino == before:
                self.violations.append((version, problems))
        except FileNotFoundError:
            return
        self.seen.add(version)

    def stop(self):
        self._ended.set()
        self.join()


def test_a_killed_sync_never_shows_an_incomplete_version(bucket, target, tmp_path):
    chance = random.Random(SEED)
    target.mkdir(parents=True)
    watcher = Watcher(target)
    watcher.start()
    num_half_copied = 0
    for version in range(1, NUM_KILLS + 1):
        bucket.push(version, make_files(version, NUM_SHARDS))
        kill_in_the_middle(bucket.url, target, chance.uniform(0, SYNC_SECONDS), tmp_path / "log")
        num_half_copied += bool(list_hidden(target))
    ended = run_command(bucket.url, target, "--once", "--keep", 2)
    watcher.stop()
    assert not watcher.violations
    assert ended.returncode == 0, ended.stderr
    assert list_whole(target) == [NUM_KILLS - 1, NUM_KILLS]
    assert list_hidden(target) == []
    print(f"{num_half_copied} half copied, {len(watcher.seen)} versions seen in {watcher.num_looks} looks")
    assert num_half_copied >= NUM_KILLS / 3, "the kills must fall into the copying"
    assert len(watcher.seen) >= NUM_KILLS / 10, "and some syncs must come to an end"


def kill_in_the_middle(source, target, seconds, log):
    """Starts a sync and kills it so long after its first write."""
    before = set(os.listdir(target))
    with started(source, target, "--once", "--keep", 2, log=log) as process:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while set(os.listdir(target)) <= before | {".sync.lock"} and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
