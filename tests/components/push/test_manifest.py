"""A version that is not byte for byte what was pushed is found out."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Callable

import pytest

from components import contract
from components.push.manifest import MANIFEST_PATH, PublishError, hash_files, verify_manifest, write_manifest


@pytest.fixture(name="version")
def fixture_version(tmp_path: pathlib.Path) -> pathlib.Path:
    version = tmp_path / "1700000000"
    (version / contract.ASSETS_EXTRA).mkdir(parents=True)
    (version / "variables").mkdir()
    (version / "saved_model.pb").write_bytes(b"graph")
    (version / "variables" / "a file ü").write_bytes(b"weights")
    write_manifest(str(version))
    return version


def test_a_whole_version_has_no_problem(version: pathlib.Path) -> None:
    assert verify_manifest(str(version)) == []


def test_it_lists_the_sha256_of_every_other_file_in_order(version: pathlib.Path) -> None:
    text = (version / MANIFEST_PATH).read_text()
    assert json.loads(text) == {
        "saved_model.pb": hashlib.sha256(b"graph").hexdigest(),
        "variables/a file ü": hashlib.sha256(b"weights").hexdigest(),
    }
    assert list(json.loads(text)) == sorted(json.loads(text))
    write_manifest(str(version))
    assert (version / MANIFEST_PATH).read_text() == text


TAMPERINGS: dict[str, tuple[Callable[[pathlib.Path], object], str]] = {
    "a byte": (lambda v: (v / "saved_model.pb").write_bytes(b"grapi"), "saved_model.pb must have sha256"),
    "a file less": (lambda v: (v / "saved_model.pb").unlink(), "saved_model.pb must be there, got nothing"),
    "a file more": (lambda v: (v / "more").write_bytes(b""), "more must stand in the manifest, got no entry"),
    "a file cut short": (
        lambda v: (v / "variables" / "a file ü").write_bytes(b"weig"),
        "variables/a file ü must have sha256",
    ),
    "a file moved": (
        lambda v: (v / "saved_model.pb").rename(v / "variables" / "saved_model.pb"),
        "variables/saved_model.pb must stand in the manifest",
    ),
    "no manifest": (
        lambda v: (v / MANIFEST_PATH).unlink(),
        "must hold files and a readable assets.extra/manif",
    ),
    "half a manifest": (
        lambda v: (v / MANIFEST_PATH).write_text((v / MANIFEST_PATH).read_text()[:50]),
        "must hold files and a readable assets.extra/manifest.json",
    ),
    "a list": (lambda v: (v / MANIFEST_PATH).write_text("[]"), "must map each file to its sha256, got list"),
    "a link to a file": (
        lambda v: (
            (v / "saved_model.pb").rename(v.parent / "real")
            and (v / "saved_model.pb").symlink_to(v.parent / "real")
        ),
        "got a link or a special file",
    ),
    "a link to a folder": (lambda v: (v / "loop").symlink_to(v), "got a link or a special file"),
    "no version": (lambda v: v.rename(v.parent / "elsewhere"), "must hold files and a readable"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_told(version: pathlib.Path, name: str) -> None:
    tamper, fragment = TAMPERINGS[name]
    tamper(version)
    problems = verify_manifest(str(version))
    assert any(fragment in problem for problem in problems), problems


def test_links_are_not_hashed(version: pathlib.Path) -> None:
    (version / "link").symlink_to("saved_model.pb")
    with pytest.raises(PublishError, match="link must be a file or a folder"):
        hash_files(str(version))
