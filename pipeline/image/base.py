"""The base image: pulled, or made from Debian's packages where no registry can be reached."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from pipeline.image.engine import Build, Engine, ImageError

DEBIAN_SUITE = "trixie"
DEBIAN_BASE = f"localhost/marketcast-base:{DEBIAN_SUITE}"
"""Name of the base that is made here."""
LEFT_OUT = (
    "dev",
    "proc",
    "sys",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
)
"""Folders whose content a container has no use for, or gets from its engine."""
DOCKERFILE = """\
FROM scratch
ADD debian.tar /
# The archive's own address serves the security updates too.
RUN sed -nE 's|^deb (\\S+)/debian/? (\\S+) .*|deb \\1/debian-security \\2-security main|p' \\
      /etc/apt/sources.list > /etc/apt/sources.list.d/security.list \\
 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get upgrade -qq > /dev/null \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
"""


def read_default(dockerfile: str) -> str:
    """The base image that a Dockerfile names as its default."""
    return re.findall(r"^ARG BASE_IMAGE=(\S+)$", dockerfile, re.MULTILINE)[0]


def provide(engine: Engine, default: str, renew: bool = False) -> str:
    """Returns the name of a base image that is in the engine's store afterwards.

    Args:
      engine: where it goes.
      default: what to pull.
      renew: pull or make it even if one is there.
    Raises:
      ImageError: it can neither be pulled nor made.
    """
    if not renew:
        for name in (default, DEBIAN_BASE):
            if engine.has_image(name):
                return name
    print(f"image: {engine.name} pulls {default}", flush=True)
    if engine.pull(default):
        return default
    print(f"image: no registry has it for this machine; Debian's packages make {DEBIAN_BASE}", flush=True)
    make_from_packages(engine)
    return DEBIAN_BASE


def make_from_packages(engine: Engine) -> None:
    """Makes DEBIAN_BASE by debootstrap, which takes a minute.

    Raises:
      ImageError: a tool is missing or a step failed.
    """
    if not shutil.which("debootstrap"):
        raise ImageError(
            "debootstrap must be here to make a base image, got none; "
            "apt-get install debootstrap, or set BASE_IMAGE to an image with Python 3.13 that the engine has"
        )
    with tempfile.TemporaryDirectory(prefix="marketcast-base-") as folder:
        root = pathlib.Path(folder, "debian")
        try:
            _as_root(
                [
                    "debootstrap",
                    "--variant=minbase",
                    "--include=python3,python3-venv,ca-certificates",
                    DEBIAN_SUITE,
                    str(root),
                ]
            )
            excluded = [f"--exclude=./{name}/*" for name in LEFT_OUT]
            _as_root(["tar", "-C", str(root), *excluded, "-cf", f"{folder}/debian.tar", "."])
        finally:
            _as_root(["rm", "-rf", str(root)])
        pathlib.Path(folder, "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
        engine.build(Build(pathlib.Path(folder), [DEBIAN_BASE]))


def _as_root(command: list[str]) -> None:
    """Runs a command as root: debootstrap makes devices and owners."""
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    ended = subprocess.run([*prefix, *command], stdout=subprocess.DEVNULL, check=False)
    if ended.returncode:
        raise ImageError(
            f"`{command[0]}` must end with 0, got {ended.returncode}; mend that, or set BASE_IMAGE"
        )
