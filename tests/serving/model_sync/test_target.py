"""The servers' folder itself."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil

import pytest

from components.push.manifest import MANIFEST_PATH
from serving.model_sync.copying import copy_version
from serving.model_sync.problems import DamagedVersionError, TargetError
from serving.model_sync.target import State, Target
from tests.serving.model_sync.versions import list_hidden, list_whole, make_files, write_files


class Files:
    """A source that has one version."""

    def __init__(self, files):
        self.files = files

    def list_files(self, version):
        return {path: len(content) for path, content in self.files.items()}

    def read(self, version, path):
        yield from (self.files[path][:10], self.files[path][10:])


@pytest.fixture
def folder(tmp_path):
    return Target(str(tmp_path))


def test_a_file_with_another_digest_is_not_written(folder, tmp_path):
    staging = folder.open_staging(1, [])
    with pytest.raises(DamagedVersionError, match="a/b must have sha256 0"):
        staging.write("a/b", [b"x"], "0" * 64)
    assert list_hidden(tmp_path) == [".sync-1"]
    assert list(staging.path.iterdir()) == []
    staging.write("a/b", [b"x", b"y"], hashlib.sha256(b"xy").hexdigest())
    assert (staging.path / "a" / "b").read_bytes() == b"xy"


def test_what_changes_on_the_disk_meanwhile_is_seen(folder, tmp_path):
    class Meddled(Files):
        def read(self, version, path):
            yield from super().read(version, path)
            if path.startswith("variables/"):
                (tmp_path / ".sync-1" / "saved_model.pb").write_bytes(b"changed")

    with pytest.raises(DamagedVersionError, match=r"saved_model\.pb must have sha256"):
        copy_version(Meddled(make_files(1)), folder, 1, lambda _: None)
    assert list_whole(tmp_path) == []


def test_the_manifest_comes_last(folder, tmp_path):
    class Watched(Files):
        def read(self, version, path):
            assert not (tmp_path / ".sync-1" / MANIFEST_PATH).exists()
            yield from super().read(version, path)

    copy_version(Watched(make_files(1)), folder, 1, lambda _: None)
    assert list_whole(tmp_path) == [1]


def test_the_disk_has_a_version_before_it_is_shown(folder, tmp_path, monkeypatch):
    events, sync, rename = [], os.fsync, os.rename

    def note_sync(descriptor):
        events.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def note_rename(old, new):
        events.append(("rename", str(new)))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "rename", note_rename)
    copy_version(Files(make_files(1)), folder, 1, lambda _: None)
    shown = events.index(("rename", str(tmp_path / "1")))
    before = events[:shown]
    assert before.count(("sync", str(tmp_path / ".sync-partial"))) == len(make_files(1))
    folders = {f"{tmp_path}/.sync-1{sub}" for sub in ("", "/variables", "/assets.extra")}
    assert {path for kind, path in before if kind == "sync"} >= folders
    assert ("sync", str(tmp_path)) in events[shown:]


def test_a_version_is_taken_away_by_a_rename(folder, tmp_path, monkeypatch):
    removed, remove = [], shutil.rmtree

    def note(path, **flags):
        removed.append(pathlib.Path(path).name)
        remove(path, **flags)

    monkeypatch.setattr(shutil, "rmtree", note)
    write_files(tmp_path / "1", make_files(2))
    copy_version(Files(make_files(1)), folder, 1, lambda _: None)
    assert list_whole(tmp_path) == [1]
    folder.delete(1)
    assert removed == [".sync-removed-1"] * 2
    assert list_hidden(tmp_path) == []


def test_states(folder, tmp_path):
    for version in (1, 2, 3):
        write_files(tmp_path / str(version), make_files(version))
    (tmp_path / "2" / "variables" / "shard-00").unlink()
    (tmp_path / "3" / MANIFEST_PATH).unlink()
    assert folder.scan() == {1: State.WHOLE, 2: State.DAMAGED, 3: State.FOREIGN}
    assert folder.find_whole() == [1]
    write_files(tmp_path / "2", make_files(2))
    (tmp_path / "1" / "more").touch()
    assert folder.scan() == {1: State.DAMAGED, 2: State.WHOLE, 3: State.FOREIGN}


def test_what_has_not_changed_is_not_read_again(folder, tmp_path, monkeypatch):
    write_files(tmp_path / "1", make_files(1))
    assert folder.find_whole() == [1]
    monkeypatch.setattr("serving.model_sync.target.verify_manifest", lambda _: pytest.fail("read again"))
    assert folder.find_whole() == [1]


def test_the_lock_is_free_after_a_round(folder, tmp_path):
    other, beats = Target(str(tmp_path)), []

    class Waited(Exception):  # noqa: N818
        pass

    def beat():
        beats.append(1)
        raise Waited

    with folder.hold(beat):
        with pytest.raises(Waited), other.hold(beat):
            pass
        assert beats
    with other.hold(beat):
        pass


def test_a_place_that_can_be_no_folder_is_told_in_one_line():
    said = r"^/dev/full/models must be a folder that user \d+ can write to, got"
    with pytest.raises(TargetError, match=said), Target("/dev/full/models").hold(lambda: None):
        pass
