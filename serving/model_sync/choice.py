"""Which versions are to be mirrored, and which may go."""

from __future__ import annotations

from collections.abc import Collection


def choose_deleted(
    present: Collection[int],
    whole: Collection[int],
    listed: Collection[int],
    always: Collection[int],
    num_kept: int,
) -> list[int]:
    """The versions that nobody wants any more.

    Those that are named stay, and of those that are whole and still in the source so many of the newest; so a
    version goes only when what takes its place is there. Nothing goes where nothing would be left.

    Args:
      present: ours in the target, damaged ones included.
      whole: those of them that can be served.
      listed: those in the source.
      always: the named ones.
      num_kept: at least 1.
    Returns:
      Rising.
    """
    newest = sorted(set(whole) & set(listed))[-num_kept:]
    if not newest:
        return []
    return sorted(set(present) - set(always) - set(newest))
