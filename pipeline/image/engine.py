"""The container engine that builds: docker, podman or buildah, whichever works here."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from components.errors import MarketcastError

PROBES = {"docker": ["info"], "podman": ["info"], "buildah": ["info"]}
"""Engines in the order in which they are tried, and the command that only ends well when the engine works."""
SECONDS_TO_PULL = 300


class ImageError(MarketcastError):
    """The image cannot be built here."""


@dataclasses.dataclass(frozen=True)
class Build:
    """What to build.

    Attributes:
      folder: the context, with a Dockerfile in it.
      tags: names of the image.
      arguments: build arguments.
      secrets: files that a step may read, by the name the Dockerfile has for them.
    """

    folder: pathlib.Path
    tags: Sequence[str]
    arguments: Mapping[str, str] = dataclasses.field(default_factory=dict)
    secrets: Mapping[str, pathlib.Path] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Engine:
    """One of PROBES, which works.

    Attributes:
      name: the command.
    """

    name: str

    def has_image(self, image: str) -> bool:
        """Whether an image is in the engine's store."""
        inspect = ["inspect", "--type", "image"] if self.name == "buildah" else ["image", "inspect"]
        return _succeeds([self.name, *inspect, image])

    def pull(self, image: str) -> bool:
        """Fetches an image from its registry; False when that cannot be reached."""
        return _succeeds([self.name, "pull", image], SECONDS_TO_PULL)

    def tag(self, image: str, alias: str) -> None:
        """Gives an image of the store a second name."""
        subprocess.run([self.name, "tag", image, alias], check=True)

    def build(self, build: Build) -> None:
        """Builds an image; the engine prints what it does.

        Raises:
          ImageError: a step failed.
        """
        command = build_command(self.name, build)
        ended = subprocess.run(command, check=False)
        if ended.returncode:
            raise ImageError(
                f"`{self.name} build` must end with 0, got {ended.returncode}; mend what it says above"
            )


def build_command(engine: str, build: Build) -> list[str]:
    """The command of a build; steps use the machine's network, and so its name servers and proxies."""
    command = [engine, "build", "--network", "host"]
    if engine == "buildah":
        command.append("--layers")  # the others cache steps by themselves
    for tag in build.tags:
        command += ["--tag", tag]
    for name, value in build.arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    for name, file in build.secrets.items():
        command += ["--secret", f"id={name},src={file}"]
    return [*command, str(build.folder)]


def find_engine(wanted: str = "") -> Engine:
    """Finds an engine that works.

    Args:
      wanted: its name; empty for the first that works.
    Raises:
      ImageError: none does.
    """
    if wanted and wanted not in PROBES:
        raise ImageError(f"ENGINE must be one of {', '.join(PROBES)}, got {wanted!r}; set it to one of them")
    candidates = [wanted] if wanted else list(PROBES)
    here = [name for name in candidates if shutil.which(name)]
    for name in here:
        if _succeeds([name, *PROBES[name]]):
            return Engine(name)
    found = f"{' and '.join(here)} without a working service" if here else "none"
    raise ImageError(
        f"a container engine must be here ({', '.join(candidates)}), got {found}; "
        "install one, on Debian and Ubuntu with .ci/container-engine"
    )


def _succeeds(command: Sequence[str], seconds: float = 60) -> bool:
    quiet = subprocess.DEVNULL
    try:
        ended = subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0
