"""Versions as a push writes them, small and without TensorFlow; and the syncs that mirror them."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import random
import subprocess
from typing import Any

from components.push.manifest import MANIFEST_PATH, verify_manifest
from components.push.publish import list_versions
from serving.model_sync.config import SyncConfig
from serving.model_sync.metrics import SyncMetrics
from serving.model_sync.rounds import Sync
from serving.model_sync.wanted import read_named_versions
from tests.conftest import MARKETCAST, ROOT

PREFIX = "models/marketcast"
TIMEOUT_SECONDS = 60.0


def make_files(version, num_shards=3, shard_bytes=2000):
    """The files of a version by path, its manifest included; other bytes for each version."""
    chance = random.Random(version)
    files = {
        "saved_model.pb": chance.randbytes(shard_bytes),
        "assets.extra/record.json": json.dumps({"version": version}).encode(),
        **{f"variables/shard-{n:02}": chance.randbytes(shard_bytes) for n in range(num_shards)},
    }
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    return {**files, MANIFEST_PATH: json.dumps(digests).encode()}


def write_files(folder, files):
    """Puts files into a folder."""
    for path, content in files.items():
        place = pathlib.Path(folder, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


@dataclasses.dataclass(frozen=True)
class Bucket:
    """A bucket of a real S3 server, written by Amazon's own client."""

    name: str
    client: Any

    @property
    def url(self) -> str:
        return f"s3://{self.name}/{PREFIX}"

    def push(self, version, files=None, without=()):
        """Writes the objects of a version, the manifest last, but for some."""
        for path, content in (files or make_files(version)).items():
            if path not in without:
                self.client.put_object(Bucket=self.name, Key=f"{PREFIX}/{version}/{path}", Body=content)

    def write(self, path, content):
        """Writes an object under the prefix."""
        self.client.put_object(Bucket=self.name, Key=f"{PREFIX}/{path}", Body=content)

    def remove(self, version):
        """Deletes all objects of a version."""
        listed = self.client.list_objects_v2(Bucket=self.name, Prefix=f"{PREFIX}/{version}/")["Contents"]
        for one in listed:
            self.client.delete_object(Bucket=self.name, Key=one["Key"])


def list_whole(folder):
    """The versions in a folder, all of which must be whole."""
    versions = list_versions(str(folder))
    assert not [line for v in versions for line in verify_manifest(os.path.join(folder, str(v)))]
    return versions


def list_hidden(folder):
    """What else is there, but for the lock."""
    return sorted(
        p.name for p in pathlib.Path(folder).iterdir() if not p.name.isdigit() and p.name != ".sync.lock"
    )


@dataclasses.dataclass
class Scene:
    """A sync in this process."""

    sync: Sync
    metrics: SyncMetrics

    def run(self):
        """A round: the versions that can be served, and the reasons why others cannot."""
        outcome = self.sync.run_round()
        return list(outcome.whole), [one.reason for one in outcome.problems]

    def read(self, name):
        """A figure without labels."""
        lines = self.metrics.format().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"marketcast_sync_{name} "))


def make_scene(source, target, **given):
    """A sync that has done nothing yet."""
    metrics = SyncMetrics()
    return Scene(Sync(SyncConfig(str(source), str(target), **given), metrics, read_named_versions), metrics)


def make_command(source, target, *more):
    """The command line of a sync."""
    return [*MARKETCAST, "sync-models", "--from", str(source), "--to", str(target), *map(str, more)]


def run_command(source, target, *more):
    """Runs the command to its end."""
    return subprocess.run(
        make_command(source, target, *more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )


@contextlib.contextmanager
def started(source, target, *more, log):
    """A sync in a process of its own, killed at the end of the `with` if it still runs."""
    with open(log, "w") as stream:
        process = subprocess.Popen(make_command(source, target, *more), cwd=ROOT, stderr=stream)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
