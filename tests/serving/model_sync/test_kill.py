"""A sync that is killed at any moment: the servers' folder never shows an incomplete version.

Each kill comes at a random moment, counted from the sync's first write.
"""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import threading
import time

from components.push.manifest import verify_manifest
from components.push.publish import list_versions
from serving.model_sync.target import LOCK_FILE
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
NUM_SHARDS = 8
SPREAD = 1.5
"""Kills come at up to so many times what the first sync took: later ones have two versions to copy and one to
delete."""
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
    bucket.push(0, make_files(0, NUM_SHARDS))
    seconds = sync_and_kill(bucket.url, target, TIMEOUT_SECONDS, tmp_path / "log")
    version = num_killed = num_half_copied = 0
    while num_killed < NUM_KILLS:
        version += 1
        assert version <= 3 * NUM_KILLS, "the kills must fall into the syncs"
        bucket.push(version, make_files(version, NUM_SHARDS))
        delay = chance.uniform(0, SPREAD * seconds)
        num_killed += sync_and_kill(bucket.url, target, delay, tmp_path / "log") >= delay
        num_half_copied += bool(list_hidden(target))
    ended = run_command(bucket.url, target, "--once", "--keep", 2)
    watcher.stop()
    assert not watcher.violations
    assert ended.returncode == 0, ended.stderr
    assert list_whole(target) == [version - 1, version]
    assert list_hidden(target) == []
    print(f"{num_killed} kills in {version} syncs, {num_half_copied} half copied", end=", ")
    print(f"{len(watcher.seen)} versions seen in {watcher.num_looks} looks")
    assert num_half_copied >= NUM_KILLS / 5, "many kills must fall into the copying"
    assert len(watcher.seen) >= NUM_KILLS / 5, "and many versions must be shown"


def sync_and_kill(source, target, delay, log):
    """Starts a sync and kills it so many seconds after its first write; returns how long it ran since."""
    before = {*os.listdir(target), LOCK_FILE}
    with started(source, target, "--once", "--keep", 2, log=log) as process:
        while set(os.listdir(target)) <= before and process.poll() is None:
            time.sleep(0.001)
        start = time.monotonic()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return time.monotonic() - start
