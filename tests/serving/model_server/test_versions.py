"""serving.model_server.versions: what is on disk."""

from __future__ import annotations

import pytest

from components import contract
from components.push import manifest
from serving.model_server.versions import find_damage, list_complete_versions, take_snapshot


def make_version(base, name, files=("saved_model.pb", "variables/variables.index")):
    for file in files:
        path = base / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file)
    return base / name


def test_only_whole_numbers_with_a_graph_are_versions(tmp_path):
    for name in ("7", "30", "007", ".pushing-40", "v1", "1.5", "-3"):
        make_version(tmp_path, name)
    make_version(tmp_path, "50", ["variables/variables.index"])
    (tmp_path / "60").write_text("a file")
    assert list_complete_versions(tmp_path) == [30, 7]
    assert list_complete_versions(tmp_path / "missing") == []


@pytest.fixture
def version(tmp_path):
    folder = make_version(tmp_path, "1")
    (folder / contract.ASSETS_EXTRA).mkdir()
    manifest.write_manifest(str(folder))
    return folder


def test_a_whole_version_has_no_damage(version):
    assert find_damage(version) == ""


def test_a_version_without_manifest_is_taken_as_it_is(version):
    (version / manifest.MANIFEST_PATH).unlink()
    (version / "saved_model.pb").write_text("else")
    assert find_damage(version) == ""


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda v: (v / "saved_model.pb").write_text("changed"), "saved_model.pb must have sha256"),
        (lambda v: (v / "variables/variables.index").unlink(), "variables.index must be there"),
        (lambda v: (v / manifest.MANIFEST_PATH).write_text("{"), "readable"),
    ],
)
def test_damage_is_named(version, harm, reason):
    harm(version)
    assert reason in find_damage(version)


def test_a_snapshot_sees_every_change(version):
    snapshots = {take_snapshot(version)}
    (version / "new").write_text("")
    snapshots.add(take_snapshot(version))
    (version / "new").write_text("longer")
    snapshots.add(take_snapshot(version))
    (version / "new").unlink()
    assert len(snapshots) == 3
    assert take_snapshot(version) in snapshots
    assert take_snapshot(version / "missing") == frozenset()
