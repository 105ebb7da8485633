"""The champion is the newest whole version, copied whole, or none."""

from __future__ import annotations

import pathlib

import pytest

from components.champion.champion import NO_CHAMPION, copy_champion, find_champion
from components.push.publish import MANIFEST_PATH, STAGING_PREFIX, PublishError, publish, verify_manifest
from tests.components.push import big_model


@pytest.fixture(name="base")
def fixture_base(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "models"


@pytest.fixture(name="versions")
def fixture_versions(base: pathlib.Path, tmp_path: pathlib.Path) -> list[str]:
    models = [big_model.write_model(tmp_path / f"model-{seed}", seed) for seed in range(2)]
    return [str(publish(str(model), str(base), {}).version) for model in models]


@pytest.mark.parametrize("version", ["", NO_CHAMPION])
def test_without_versions_there_is_none(base: pathlib.Path, tmp_path: pathlib.Path, version: str) -> None:
    assert find_champion(str(base)) == NO_CHAMPION
    assert copy_champion(str(base), version, str(tmp_path / "copy")) == NO_CHAMPION
    assert not (tmp_path / "copy").exists()
    assert not base.exists()


def test_the_newest_is_copied_whole(base: pathlib.Path, tmp_path: pathlib.Path, versions: list[str]) -> None:
    assert find_champion(str(base)) == versions[1]
    assert copy_champion(str(base), "", str(tmp_path / "copy")) == versions[1]
    assert verify_manifest(str(tmp_path / "copy")) == []
    manifests = [(folder / MANIFEST_PATH).read_bytes() for folder in (tmp_path / "copy", base / versions[1])]
    assert manifests[0] == manifests[1]


def test_the_version_named_is_copied_though_a_newer_one_came(
    base: pathlib.Path, tmp_path: pathlib.Path, versions: list[str]
) -> None:
    assert copy_champion(str(base), versions[0], str(tmp_path / "copy")) == versions[0]
    copied, named = (folder / "saved_model.pb" for folder in (tmp_path / "copy", base / versions[0]))
    assert copied.read_bytes() == named.read_bytes()


def test_none_stays_none_though_a_version_came(
    base: pathlib.Path, tmp_path: pathlib.Path, versions: list[str]
) -> None:
    assert versions
    assert copy_champion(str(base), NO_CHAMPION, str(tmp_path / "copy")) == NO_CHAMPION
    assert not (tmp_path / "copy").exists()


def test_a_broken_version_and_a_push_under_way_are_no_champions(
    base: pathlib.Path, versions: list[str]
) -> None:
    (base / versions[1] / "variables" / "part-001").unlink()
    (base / f"{STAGING_PREFIX}{int(versions[1]) + 1}").mkdir()
    assert find_champion(str(base)) == versions[0]


@pytest.mark.parametrize("broken", [True, False])
def test_a_named_version_that_is_not_whole_any_more_is_refused(
    base: pathlib.Path, tmp_path: pathlib.Path, versions: list[str], broken: bool
) -> None:
    if broken:
        (base / versions[1] / "saved_model.pb").write_bytes(b"other")
    else:
        (base / versions[1]).rename(base / "gone")
    with pytest.raises(
        PublishError, match=f"{versions[1]} must be what its manifest says, got .*; run again"
    ):
        copy_champion(str(base), versions[1], str(tmp_path / "copy"))
