"""The engine: which one is taken, and what it is told. Engines are small scripts on PATH here."""

from __future__ import annotations

import pathlib

import pytest

from pipeline.image.engine import PROBES, Build, Engine, ImageError, build_command, find_engine


@pytest.fixture(name="path")
def fixture_path(tmp_path, monkeypatch):
    """The only folder on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put_engine(folder: pathlib.Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def test_a_client_without_its_service_is_passed_over(path):
    put_engine(path, "docker", "exit 1")
    put_engine(path, "podman", "exit 0")
    put_engine(path, "buildah", "exit 0")
    assert find_engine() == Engine("podman")


def test_the_wanted_engine_is_taken_or_none(path):
    put_engine(path, "podman", "exit 0")
    put_engine(path, "buildah", "exit 0")
    assert find_engine("buildah") == Engine("buildah")
    with pytest.raises(ImageError, match=r"\(docker\), got none; install one"):
        find_engine("docker")
    with pytest.raises(ImageError, match="ENGINE must be one of docker, podman, buildah, got 'kaniko'"):
        find_engine("kaniko")


def test_no_working_engine_says_which_are_here(path):
    put_engine(path, "docker", "exit 1")
    with pytest.raises(ImageError, match="got docker without a working service"):
        find_engine()


@pytest.mark.parametrize("name", PROBES)
def test_an_image_is_looked_up_as_the_engine_wants_it(path, name):
    wanted = "inspect --type image here:1" if name == "buildah" else "image inspect here:1"
    put_engine(path, name, f'[ "$*" = "{wanted}" ]')
    assert Engine(name).has_image("here:1")
    assert not Engine(name).has_image("elsewhere:1")


@pytest.mark.parametrize("name", PROBES)
def test_a_build_names_everything_once(name):
    build = Build(pathlib.Path("context"), ["a:1", "a:2"], {"COMMIT": "c"}, {"ca": pathlib.Path("/ca.pem")})
    command = build_command(name, build)
    assert command[:2] == [name, "build"]
    assert " ".join(command).endswith(
        "--tag a:1 --tag a:2 --build-arg COMMIT=c --secret id=ca,src=/ca.pem context"
    )
    assert ("--layers" in command) is (name == "buildah")


def test_a_failed_build_is_an_error(path):
    put_engine(path, "podman", "exit 125")
    with pytest.raises(ImageError, match="`podman build` must end with 0, got 125"):
        Engine("podman").build(Build(path, ["a:1"]))
