"""Deletes the files that no snapshot from a day on needs, and those that dead writers left."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

from components import progress
from components.errors import InputError
from components.lake import commits, layout, reading
from components.lake.commits import Commit, Snapshot
from components.lake.publishing import Draft
from components.lake.storage import Storage

WRITER_HOURS = 24
"""A file that no commit names may be of a writer at work; after so long it is not."""


def draft_vacuum(storage: Storage, before: Snapshot, readable_from: str) -> Draft | None:
    """What is to be said in a lake before files are deleted; None where it is said already.

    Args:
      storage: the lake's.
      before: its newest snapshot.
      readable_from: the first day of knowledge that can be asked for afterwards, YYYY-MM-DD.
    Raises:
      InputError: there are no bars, or the day is after that of the newest commit.
    """
    newest = before.commit
    if newest is None or readable_from > newest.known_on:
        known = "no bars" if newest is None else f"what is known on {newest.known_on} at the latest"
        raise InputError(
            f"--forget-before must leave {storage.location} what it knows, got {readable_from} and {known}; "
            "give an earlier day"
        )
    if readable_from <= newest.readable_from:
        return None
    return Draft(commits.VACUUM, newest.known_on, {}, readable_from=readable_from)


def delete_unneeded(storage: Storage, after: Snapshot) -> int:
    """Deletes what the commit of draft_vacuum has made unneeded; can be repeated.

    Args:
      storage: the lake's.
      after: its newest snapshot.
    Returns:
      How many files went.
    """
    if after.commit is None:
        return 0
    history = [reading.load_commit(storage, number) for number in range(1, after.commit.number)]
    history.append(after.commit)
    later = [one for one in history if one.known_on > after.commit.readable_from]
    earlier = history[: len(history) - len(later)]
    needed = {path for one in later for path in _list_paths(one)}
    if earlier:
        needed |= {*reading.gather_snapshot(storage, after.contract, earlier[-1]).paths}
    forgotten = {path for one in history for path in _list_paths(one)}
    doomed = [path for path in _list_old(storage, forgotten) if path not in needed]
    for number, path in enumerate(doomed, 1):
        storage.delete(path)
        progress.report("files deleted", number, len(doomed))
    return len(doomed)


def _list_paths(commit: Commit) -> Iterator[str]:
    for partition, own in commit.files.items():
        for file in own:
            yield layout.bars_path(partition, file.name)


def _list_old(storage: Storage, named: Iterable[str]) -> Iterator[str]:
    """Files of bars that commits name, and those that have been there for long."""
    named = {*named}
    limit = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=WRITER_HOURS)
    for path, written in sorted(storage.list(layout.BARS).items()):
        if path in named or written < limit:
            yield path
