"""Rounds against a real S3 server: what is copied, what is kept, what goes."""

from __future__ import annotations

import errno
import json
import os

import pytest

from components.push.manifest import MANIFEST_PATH
from serving.model_sync.copying import copy_version
from serving.model_sync.source import open_source
from serving.model_sync.target import Target
from tests.serving.model_sync.versions import (
    list_hidden,
    list_whole,
    make_files,
    make_scene,
    write_files,
)

MODELS_CONFIG = """
model_config_list {{ config {{ name: "marketcast" base_path: "/models/marketcast" model_platform: "tensorflow"
  {more} }} }}
"""


def read_files(folder):
    """The files of a version, by path."""
    return {
        os.path.relpath(os.path.join(parent, name), folder): open_file(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
    }


def open_file(*parts):
    with open(os.path.join(*parts), "rb") as stream:
        return stream.read()


class TestCopying:
    def test_the_newest_are_mirrored(self, bucket, target):
        for version in (1, 2, 3, 10):
            bucket.push(version)
        assert make_scene(bucket.url, target).run() == ([2, 3, 10], [])
        assert list_whole(target) == [2, 3, 10]
        assert list_hidden(target) == []
        assert read_files(target / "10") == make_files(10)

    def test_what_is_there_is_not_fetched_again(self, bucket, target):
        bucket.push(1)
        scene = make_scene(bucket.url, target)
        scene.run()
        num_bytes = scene.read("fetched_bytes_total")
        assert num_bytes == sum(map(len, make_files(1).values()))
        scene.run()
        assert scene.read("fetched_bytes_total") == num_bytes
        again = make_scene(bucket.url, target)
        assert again.run() == ([1], [])
        assert again.read("fetched_bytes_total") == 0

    def test_a_half_finished_copy_is_gone_on_with(self, bucket, target):
        files = make_files(1)
        bucket.push(1, files)
        staging = target / ".sync-1"
        write_files(staging, {path: files[path] for path in ("saved_model.pb", "variables/shard-00")})
        write_files(staging, {"variables/shard-01": files["variables/shard-01"][:-1]})  # cut
        write_files(
            staging, {"variables/shard-02": files["variables/shard-02"][::-1]}
        )  # same size, other bytes
        write_files(staging, {"variables/of-another-try": b"x", "old/deep/file": b"x"})
        (staging / "assets.extra").symlink_to(target)
        (target / ".sync-partial").write_bytes(b"half a file")
        scene = make_scene(bucket.url, target)
        assert scene.run() == ([1], [])
        assert read_files(target / "1") == files
        assert not (target / "1" / "old").exists()
        fetched = {path for path in files if path not in ("saved_model.pb", "variables/shard-00")}
        assert scene.read("fetched_bytes_total") == sum(len(files[path]) for path in fetched)
        assert list_hidden(target) == []

    def test_an_interrupted_copy_fetches_each_file_once(self, bucket, target):
        bucket.push(1)
        target.mkdir(parents=True)
        source, asked = open_source(bucket.url, ""), []

        class Flaky:
            list_files = staticmethod(source.list_files)

            def read(self, version, path):
                asked.append(path)
                if len(asked) == 4:
                    raise OSError("the network is gone")
                return source.read(version, path)

        with pytest.raises(OSError, match="the network is gone"):
            copy_version(Flaky(), Target(str(target)), 1, lambda _: None)
        assert list_whole(target) == []
        copy_version(Flaky(), Target(str(target)), 1, lambda _: None)
        assert list_whole(target) == [1]
        twice = {path for path in asked if asked.count(path) > 1}
        assert twice == {MANIFEST_PATH, asked[3]}, "but for the manifest and the file that did not come"

    def test_a_damaged_version_in_the_target_is_mended(self, bucket, target):
        bucket.push(1)
        scene = make_scene(bucket.url, target)
        scene.run()
        (target / "1" / "saved_model.pb").write_bytes(b"overwritten")
        assert scene.run() == ([1], [])
        assert list_whole(target) == [1]
        assert list_hidden(target) == []

    def test_a_full_disk_is_told_and_changes_nothing(self, bucket, target, monkeypatch, caplog):
        bucket.push(1)
        scene = make_scene(bucket.url, target)
        scene.run()
        bucket.push(2)

        def refuse(_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as full:
            full.setattr(os, "fsync", refuse)
            assert scene.run() == ([1], ["target"])
        assert "No space left on device; check the volume" in caplog.text
        assert list_whole(target) == [1]
        assert scene.run() == ([1, 2], [])


class TestBadSources:
    def test_a_corrupted_object_is_never_shown(self, bucket, target):
        bucket.push(1)
        scene = make_scene(bucket.url, target, num_kept=1)
        scene.run()
        files = make_files(2)
        bucket.push(2, {**files, "variables/shard-01": files["variables/shard-01"][::-1]})
        for _ in range(2):
            assert scene.run() == ([1], ["damaged"])
            assert list_whole(target) == [1]
        bucket.write("2/variables/shard-01", files["variables/shard-01"])
        assert scene.run() == ([2], [])
        assert list_whole(target) == [2]

    @pytest.mark.parametrize(
        "change",
        [
            {"variables/shard-00": b"cut"},
            {"superfluous": b"x"},
            {MANIFEST_PATH: b"not json"},
            {MANIFEST_PATH: json.dumps({"../3/saved_model.pb": "0" * 64}).encode()},
        ],
        ids=["another size", "superfluous", "unreadable", "out of the folder"],
    )
    def test_what_does_not_fit_the_manifest_is_never_shown(self, change, bucket, target):
        bucket.push(1)
        bucket.push(2, {**make_files(2), **change})
        assert make_scene(bucket.url, target).run() == ([1], ["damaged"])
        assert list_whole(target) == [1]

    @pytest.mark.parametrize("late", [MANIFEST_PATH, "variables/shard-02"])
    def test_a_half_pushed_version_is_waited_for(self, late, bucket, target):
        bucket.push(1)
        bucket.push(2, without=(late,))
        scene = make_scene(bucket.url, target, num_kept=1)
        assert scene.run() == ([1], ["incomplete"])
        assert scene.read("incomplete_versions") == 1
        assert scene.read("last_success_timestamp_seconds") > 0, "to wait is no failure"
        bucket.write(f"2/{late}", make_files(2)[late])
        assert scene.run() == ([2], [])

    def test_an_empty_source_deletes_nothing(self, bucket, target):
        bucket.push(1)
        scene = make_scene(bucket.url, target)
        scene.run()
        bucket.remove(1)
        assert scene.run() == ([1], ["empty"])

    def test_a_source_that_cannot_be_reached_deletes_nothing(self, bucket, target, monkeypatch, caplog):
        bucket.push(1)
        make_scene(bucket.url, target).run()
        scene = make_scene(bucket.url, target, endpoint="http://127.0.0.1:1")
        assert [scene.run() for _ in range(2)] == [([1], ["source"])] * 2
        (told,) = [
            one.getMessage() for one in caplog.records if one.name == "marketcast.sync" and one.levelno > 20
        ]
        assert "\n" not in told
        assert told.startswith(f"{bucket.url} must be a place that can be read, got: ")
        assert scene.read("last_success_timestamp_seconds") == 0

    def test_a_missing_bucket_is_told(self, bucket, target):
        assert make_scene("s3://no-such-bucket/x", target).run() == ([], ["source"])

    def test_marks_of_folders_do_no_harm(self, bucket, target):
        bucket.push(1)
        for mark in ("", "1/", "1/variables/", "7/"):
            bucket.write(mark, b"")
        assert make_scene(bucket.url, target).run() == ([1], ["incomplete"])


class TestDeletion:
    @pytest.fixture
    def scene(self, bucket, target):
        """Versions 1 to 3 are mirrored."""
        for version in (1, 2, 3):
            bucket.push(version)
        scene = make_scene(bucket.url, target)
        assert scene.run() == ([1, 2, 3], [])
        return scene

    def test_an_old_version_goes(self, scene, bucket, target):
        bucket.push(4)
        assert scene.run() == ([2, 3, 4], [])
        assert list_hidden(target) == []
        assert scene.read("deleted_versions_total") == 1

    def test_it_stays_until_the_new_one_is_there(self, scene, bucket, target):
        bucket.push(4, without=(MANIFEST_PATH,))
        assert scene.run() == ([1, 2, 3], ["incomplete"])

    def test_a_named_version_stays_and_an_old_one_comes(self, scene, bucket, target):
        bucket.push(4)
        bucket.push(5)
        assert make_scene(bucket.url, target, num_kept=1, always=(2, 4)).run() == ([2, 4, 5], [])

    def test_a_named_version_stays_when_the_source_has_it_no_more(self, scene, bucket, target):
        bucket.remove(1)
        assert make_scene(bucket.url, target, num_kept=1, always=(1,)).run() == ([1, 3], [])

    def test_a_withdrawn_version_goes(self, scene, bucket, target):
        bucket.remove(3)
        assert scene.run() == ([1, 2], [])

    def test_the_only_version_stays(self, scene, bucket, target):
        for version in (1, 2, 3):
            bucket.remove(version)
        bucket.push(4, {**make_files(4), "saved_model.pb": b"x"})
        assert scene.run() == ([1, 2, 3], ["damaged"])

    def test_a_folder_without_manifest_is_left_alone(self, scene, bucket, target):
        write_files(target / "0", {"saved_model.pb": b"x"})
        write_files(target / "4", {"saved_model.pb": b"x"})
        for version in (4, 5, 6, 7):
            bucket.push(version)
        assert make_scene(bucket.url, target, num_kept=4).run() == ([3, 5, 6, 7], ["foreign"])
        assert (target / "0").exists()
        assert read_files(target / "4") == {"saved_model.pb": b"x"}

    def test_leftovers_go_when_nobody_wants_them(self, scene, bucket, target):
        for name in (".sync-0", ".sync-1", ".sync-2", ".sync-removed-1", ".other"):
            write_files(target / name, {"saved_model.pb": b"x"})
        bucket.push(4)
        bucket.push(5, {**make_files(5), "saved_model.pb": b"x"})
        assert scene.run() == ([2, 3, 4], ["damaged"])
        assert list_hidden(target) == [".other", ".sync-5"], "what is still wanted can be resumed"

    def test_leftovers_are_not_in_the_way(self, scene, bucket, target):
        write_files(target / ".sync-removed-2", {"saved_model.pb": b"x"})
        (target / "2" / "saved_model.pb").unlink()
        assert scene.run() == ([1, 2, 3], [])
        assert list_hidden(target) == []

    @pytest.mark.parametrize(
        "more",
        [
            'version_labels { key: "stable" value: 1 }',
            "model_version_policy { specific { versions: 1 } }",
        ],
        ids=["label", "policy"],
    )
    def test_what_the_servers_name_stays_and_comes(self, more, scene, bucket, target, tmp_path):
        config = tmp_path / "models.config"
        config.write_text(MODELS_CONFIG.format(more=more))
        bucket.push(4)
        given = {"num_kept": 1, "models_config": str(config)}
        assert make_scene(bucket.url, target, **given).run() == ([1, 4], [])
        elsewhere = make_scene(bucket.url, tmp_path / "elsewhere", **given)
        assert elsewhere.run() == ([1, 4], [])

    @pytest.mark.parametrize("text", [None, "model_config_list {{", MODELS_CONFIG.replace("marketcast", "x")])
    def test_nothing_goes_while_it_is_not_known_what_is_named(self, text, scene, bucket, target, tmp_path):
        config = tmp_path / "models.config"
        if text:
            config.write_text(text.format(more=""))
        bucket.push(4)
        scene = make_scene(bucket.url, target, num_kept=1, models_config=str(config))
        assert scene.run() == ([1, 2, 3, 4], ["config"])

    def test_a_named_version_that_was_never_pushed_is_told(self, scene, bucket, target):
        assert make_scene(bucket.url, target, always=(9,)).run() == ([1, 2, 3], ["missing"])
