"""Keeps two runs from writing to the same folder at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
from collections.abc import Iterator

from components.errors import MarketcastError


@contextlib.contextmanager
def hold(path: str, elsewhere: str = "--set paths.run_root=FOLDER") -> Iterator[None]:
    """Holds the lock of a run; the system lets go of it when this process dies, however it dies.

    Args:
      path: the lock file; it is made where it is missing, and stays.
      elsewhere: how a user has the run go to another folder.
    Raises:
      MarketcastError: another run holds it.
    """
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            stream.seek(0)
            holder = stream.read().strip() or "unknown"
            raise MarketcastError(
                f"{path} must be free, got it held by the run of process {holder}; wait for its end, or give "
                f"this run another folder with {elsewhere}"
            ) from error
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
