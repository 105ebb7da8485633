"""What a version in the source must hold, by its own manifest."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping

from components.push.manifest import MANIFEST_PATH
from components.push.publish import SAVED_MODEL_FILE
from serving.model_sync.problems import DamagedVersionError, IncompleteVersionError

_SHA256 = re.compile(r"[0-9a-f]{64}")


def parse_manifest(version: int, content: bytes) -> dict[str, str]:
    """Reads a manifest that anyone may have written.

    Args:
      version: whose; for errors.
      content: of the object.
    Returns:
      sha256 of each file by its path, which leads nowhere out of the version's folder.
    Raises:
      DamagedVersionError: it is no such mapping, or lists no model.
    """
    try:
        listed = json.loads(content)
    except ValueError as error:
        raise _damaged(version, f"a readable {MANIFEST_PATH}", f"{error}") from error
    if not isinstance(listed, dict) or not all(_is_entry(path, digest) for path, digest in listed.items()):
        raise _damaged(version, f"a {MANIFEST_PATH} that maps paths to sha256", "something else")
    if SAVED_MODEL_FILE not in listed:
        raise _damaged(version, f"{SAVED_MODEL_FILE} by its manifest", f"{len(listed)} other files")
    return listed


def check_listing(version: int, sizes: Mapping[str, int], digests: Mapping[str, str]) -> None:
    """Compares the objects of a version with its manifest, by name.

    Args:
      version: for errors.
      sizes: bytes of each object by its path in the version.
      digests: what parse_manifest returned.
    Raises:
      IncompleteVersionError: objects are missing; the push may be on its way.
      DamagedVersionError: there are others.
    """
    if missing := sorted(digests.keys() - sizes.keys()):
        raise IncompleteVersionError(
            f"version {version} must hold {missing[0]}, got no such object yet ({len(missing)} missing in "
            "all); let its push end, or push it again"
        )
    if superfluous := sorted(sizes.keys() - digests.keys() - {MANIFEST_PATH}):
        raise _damaged(version, "nothing but what its manifest lists", superfluous[0])


def drop_folder_marks(sizes: Mapping[str, int]) -> dict[str, int]:
    """Leaves out the empty objects that consoles make to show a folder: others lie under their names.

    Args:
      sizes: bytes of each object by its path in the version; the path of the version's own mark is empty.
    """
    parents = {""} | {parent for path in sizes for parent in _list_parents(path)}
    return {path: size for path, size in sizes.items() if size or path not in parents}


def _list_parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _is_entry(path: str, digest: object) -> bool:
    is_inside = path == posixpath.normpath(path) and not path.startswith(("/", "../")) and path != ".."
    return (
        is_inside
        and "\0" not in path
        and path not in ("", ".")
        and isinstance(digest, str)
        and bool(_SHA256.fullmatch(digest))
    )


def _damaged(version: int, expected: str, got: str) -> DamagedVersionError:
    return DamagedVersionError(f"version {version} must hold {expected}, got {got}; push it again")
