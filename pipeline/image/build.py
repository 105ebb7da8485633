"""`make image`: builds the image of this checkout and writes its name to build/image-tag.

`python3 -m pipeline.image.build`, from the repository's root. ENGINE and BASE_IMAGE overrule what it chooses.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from components.errors import MarketcastError
from pipeline import install, platform_probe
from pipeline.image import base, packages
from pipeline.image.engine import Build, Engine, find_engine

NAME = "marketcast"
TAG_FILE = pathlib.Path("build", "image-tag")
"""Holds the name and tag of the image that was built last."""
UNKNOWN_COMMIT = "unknown"
DIRTY = "-dirty"
COMMIT_LETTERS = 12
LABELLED = {"TFX_VERSION": "tfx", "TENSORFLOW_VERSION": "tensorflow", "KFP_VERSION": "kfp"}
"""Build arguments, and the packages whose versions they hold."""


def read_commit() -> str:
    """The commit of the checkout, marked when files differ from it; UNKNOWN_COMMIT without git."""
    try:
        commit = _ask_git("rev-parse", "HEAD")
        return commit + DIRTY if _ask_git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_COMMIT


def read_version(pyproject: str) -> str:
    """The version in a pyproject.toml; tomllib is younger than some Pythons this runs on."""
    return re.findall(r'^version = "(.+)"$', pyproject, re.MULTILINE)[0]


def tag_for(version: str, commit: str) -> str:
    """The image's name: `marketcast:<version>-<short commit>`, and `-dirty` when the commit says so."""
    dirty = DIRTY if commit.endswith(DIRTY) else ""
    return f"{NAME}:{version}-{commit.removesuffix(DIRTY)[:COMMIT_LETTERS]}{dirty}"


def is_settled(commit: str) -> bool:
    """Whether a commit says all about the files, so that an image of it needs no second build."""
    return commit != UNKNOWN_COMMIT and not commit.endswith(DIRTY)


def build_arguments(version: str, commit: str) -> dict[str, str]:
    """What the labels and the environment of the image say."""
    lock = install.lock_file(platform_probe.CURRENT)
    versions = {name: install.pinned(package, lock).split("==")[1] for name, package in LABELLED.items()}
    return {"VERSION": version, "COMMIT": commit, **versions}


def build(engine: Engine) -> str:
    """Builds the image unless it is there; returns its name.

    Raises:
      ImageError: a base is missing or a step failed.
    """
    version, commit = read_version(pathlib.Path("pyproject.toml").read_text(encoding="utf-8")), read_commit()
    tag, alias = tag_for(version, commit), f"{NAME}:{version}"
    if is_settled(commit) and engine.has_image(tag):
        engine.tag(tag, alias)
        return tag
    dockerfile = pathlib.Path("Dockerfile").read_text(encoding="utf-8")
    base_image = os.environ.get("BASE_IMAGE") or base.provide(engine, base.read_default(dockerfile))
    print(f"image: {engine.name} builds {tag} on {base_image}", flush=True)
    arguments = {"BASE_IMAGE": base_image, **build_arguments(version, commit), **packages.proxies()}
    with tempfile.TemporaryDirectory(prefix="marketcast-image-") as folder:
        secrets = packages.write_secrets(pathlib.Path(folder), packages.read_settings())
        engine.build(Build(pathlib.Path(), [tag, alias], arguments, secrets))
    return tag


def main(arguments: Sequence[str]) -> int:
    """Builds, or with `--base` only renews the base image; 1 with one line when that cannot be done."""
    started = time.monotonic()
    try:
        engine = find_engine(os.environ.get("ENGINE", ""))
        if list(arguments) == ["--base"]:
            dockerfile = pathlib.Path("Dockerfile").read_text(encoding="utf-8")
            print(base.provide(engine, base.read_default(dockerfile), renew=True))
            return 0
        tag = build(engine)
    except MarketcastError as error:
        print(f"image: {error}", file=sys.stderr)
        return error.exit_code
    TAG_FILE.parent.mkdir(exist_ok=True)
    TAG_FILE.write_text(tag + "\n", encoding="utf-8")
    print(f"image: {tag} is in {engine.name}'s store after {time.monotonic() - started:.0f} s")
    return 0


def _ask_git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
