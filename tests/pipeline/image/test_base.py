"""The base image: what is there is used, else pulled, else made."""

from __future__ import annotations

import pathlib

import pytest

from pipeline.image import base
from pipeline.image.engine import ImageError

ROOT = pathlib.Path(__file__).parents[3]
DEFAULT = "registry/python:3.13"


class Store:
    """An engine with these images, and these in its registry."""

    name = "podman"

    def __init__(self, images=(), registry=()):
        self.images, self.registry, self.built = set(images), set(registry), []

    def has_image(self, image):
        return image in self.images

    def pull(self, image):
        return image in self.registry

    def build(self, build):
        self.built.append(build)


def test_the_dockerfile_names_a_slim_debian_13_python_3_13():
    assert base.read_default((ROOT / "Dockerfile").read_text()).endswith("/python:3.13-slim-trixie")


@pytest.mark.parametrize(
    ("images", "registry", "renew", "expected"),
    [
        ([DEFAULT, base.DEBIAN_BASE], [], False, DEFAULT),
        ([base.DEBIAN_BASE], [DEFAULT], False, base.DEBIAN_BASE),
        ([], [DEFAULT], False, DEFAULT),
        ([base.DEBIAN_BASE], [DEFAULT], True, DEFAULT),
    ],
)
def test_what_is_there_comes_first_and_a_renewal_pulls(images, registry, renew, expected):
    assert base.provide(Store(images, registry), DEFAULT, renew) == expected


def test_without_registry_and_debootstrap_the_error_names_both_ways_out(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match="apt-get install debootstrap, or set BASE_IMAGE"):
        base.provide(Store(), DEFAULT)


def put_tool(folder: pathlib.Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def test_debian_s_packages_become_an_image_and_nothing_is_left(tmp_path, monkeypatch):
    tools = tmp_path / "tools"
    tools.mkdir()
    put_tool(
        tools,
        "debootstrap",
        'mkdir -p "$4/etc" "$4/usr/share/doc/x" && echo trixie > "$4/etc/debian_version"',
    )
    put_tool(tools, "sudo", 'exec "$@"')
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store, seen = Store(), []
    store.build = lambda build: seen.extend(
        [build.tags, sorted(path.name for path in build.folder.iterdir())]
    )
    assert base.provide(store, DEFAULT) == base.DEBIAN_BASE
    assert seen == [[base.DEBIAN_BASE], ["Dockerfile", "debian.tar"]]
    assert [path.name for path in tmp_path.iterdir()] == ["tools"]


def test_a_failing_debootstrap_is_one_line(tmp_path, monkeypatch):
    put_tool(tmp_path, "debootstrap", "exit 3")
    put_tool(tmp_path, "sudo", 'exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ImageError, match="`debootstrap` must end with 0, got 3"):
        base.make_from_packages(Store())
