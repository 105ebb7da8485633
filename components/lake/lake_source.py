"""A lake as a source of bars: which files are read, and a fingerprint that tells of the bars alone."""

from __future__ import annotations

import os

from components import object_store
from components.lake import bar_rows, layout, reading
from components.lake.storage import Storage


def is_lake(path: str) -> bool:
    """Whether a path stands for a lake: a folder with a lake's contract or commits, or an object store's URL.

    Commits without a contract are a lake that has lost it: reading.read_contract says so.

    Raises:
      InputError: the commits cannot be listed.
    """
    if object_store.is_url(path) or os.path.isfile(os.path.join(path, layout.CONTRACT_FILE)):
        return True
    return os.path.isdir(os.path.join(path, layout.COMMITS)) and bool(reading.find_last_number(Storage(path)))


def list_lake_files(path: str, known_on: str) -> list[str]:
    """Paths or URLs of the files that a lake held as known on a day, empty for the newest.

    Raises:
      InputError: it held nothing, or cannot be read.
    """
    storage = Storage(path)
    return [storage.place(file) for file in reading.read_snapshot(storage, known_on).paths]


def divide_lake_files(path: str, known_on: str, day: str) -> tuple[dict[str, str], list[str]]:
    """The files that a lake held as known on a day, divided at another day; a file can be in both.

    Args:
      path: of the lake.
      known_on: YYYY-MM-DD; empty for the newest.
      day: YYYY-MM-DD.
    Returns:
      Path -> fingerprint of each file that has bars before `day`; sorted paths of those with bars from it on.
    Raises:
      InputError: it held nothing, or cannot be read.
    """
    storage = Storage(path)
    before, after = {}, []
    for partition, files in reading.read_snapshot(storage, known_on).partitions.items():
        for file in files:
            place = storage.place(layout.bars_path(partition, file.name))
            if file.first_day < day:
                before[place] = f"{file.num_bars} {bar_rows.to_hex(file.fingerprint)}"
            if file.last_day >= day:
                after.append(place)
    return before, sorted(after)


def fingerprint_lake(path: str, known_on: str) -> str:
    """Number of bars and their fingerprint, as known on a day; from the commits alone.

    Raises:
      InputError: it held nothing, or cannot be read.
    """
    snapshot = reading.read_snapshot(Storage(path), known_on)
    return f"{snapshot.num_bars} {bar_rows.to_hex(snapshot.fingerprint)}"
