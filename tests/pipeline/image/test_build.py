"""The image's name and what it carries of the checkout."""

import pathlib
import re
import subprocess

import pytest

from pipeline.image import build
from pipeline.image.engine import Engine

ROOT = pathlib.Path(__file__).parents[3]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("commit", "tag"),
    [
        (COMMIT, "marketcast:1.2-0123456789ab"),
        (COMMIT + "-dirty", "marketcast:1.2-0123456789ab-dirty"),
        ("unknown", "marketcast:1.2-unknown"),
    ],
)
def test_the_tag_names_version_and_commit(commit, tag):
    assert build.tag_for("1.2", commit) == tag
    assert build.is_settled(commit) is (commit == COMMIT)


def test_the_commit_is_marked_when_a_file_differs_from_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert build.read_commit() == "unknown"
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "--message", "first")
    commit = build.read_commit()
    assert re.fullmatch("[0-9a-f]{40}", commit)
    (tmp_path / "another").write_text("2")
    assert build.read_commit() == commit + "-dirty"


def test_labels_say_the_locked_versions(monkeypatch):
    monkeypatch.chdir(ROOT)
    version = build.read_version((ROOT / "pyproject.toml").read_text())
    arguments = build.build_arguments(version, COMMIT)
    assert arguments["COMMIT"] == COMMIT
    lock = (ROOT / "requirements" / "current.txt").read_text()
    assert f"\ntfx=={arguments['TFX_VERSION']}\n" in lock
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert declared == {"BASE_IMAGE", *arguments}


def test_a_machine_without_engine_gets_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ENGINE", raising=False)
    assert build.main([]) == 1
    assert capsys.readouterr().err.startswith("image: a container engine must be here")


def test_an_image_of_this_commit_is_only_named_again(tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    engine = tmp_path / "podman"
    engine.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    engine.chmod(0o755)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(build, "read_commit", lambda: COMMIT)
    tag = build.build(Engine("podman"))
    version = tag.removeprefix("marketcast:").removesuffix("-" + COMMIT[:12])
    assert calls.read_text().splitlines() == [f"image inspect {tag}", f"tag {tag} marketcast:{version}"]
