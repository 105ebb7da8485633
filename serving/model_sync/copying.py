"""Copies one version: every file checked by the version's own manifest, then shown by one rename."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Protocol

from components.push.manifest import MANIFEST_PATH
from serving.model_sync.contents import check_listing, parse_manifest
from serving.model_sync.problems import DamagedVersionError, IncompleteVersionError
from serving.model_sync.target import Target


class Readable(Protocol):
    """What a copy wants of a source; see serving.model_sync.source."""

    def list_files(self, version: int) -> dict[str, int]:
        """Size in bytes of each object of a version, by its path there."""

    def read(self, version: int, path: str) -> Iterator[bytes]:
        """The content of an object, in parts."""


def copy_version(source: Readable, target: Target, version: int, fetched: Callable[[int], None]) -> None:
    """Copies a version and shows it. A copy that was killed is gone on with: files that fit stay.

    The manifest is copied last, so that what is half copied has none.

    Args:
      source: has the version.
      target: its lock is held; it has no whole version of this number.
      version: its number.
      fetched: told the bytes of each part that came.
    Raises:
      IncompleteVersionError: the push has not ended.
      DamagedVersionError: an object is not what the manifest says.
      SourceError: the source cannot be read.
      OSError: the target cannot be written.
    """
    sizes = source.list_files(version)
    if MANIFEST_PATH not in sizes:
        raise IncompleteVersionError(
            f"version {version} must hold {MANIFEST_PATH}, got no such object yet; let its push end"
        )
    manifest = b"".join(_count(source.read(version, MANIFEST_PATH), fetched))
    digests = parse_manifest(version, manifest)
    check_listing(version, sizes, digests)
    staging = target.open_staging(version, digests)
    try:
        for path, digest in sorted(digests.items()):
            if not staging.fits(path, sizes[path], digest):
                staging.write(path, _count(source.read(version, path), fetched), digest)
        staging.write(MANIFEST_PATH, [manifest], hashlib.sha256(manifest).hexdigest())
        if problems := staging.verify():
            raise DamagedVersionError("; ".join(problems))
    except DamagedVersionError as error:
        raise DamagedVersionError(
            f"version {version} must be what its manifest says, got: {error}; push it again"
        ) from error
    target.place(staging, version)


def _count(parts: Iterator[bytes], fetched: Callable[[int], None]) -> Iterator[bytes]:
    for part in parts:
        fetched(len(part))
        yield part
