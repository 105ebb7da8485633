"""The folder that the servers read: what is in it, and how a version gets in and out.

Everything under work has a name that is no number, which TensorFlow Serving and the embedded server pass
over: `.sync-7` is version 7 as far as it is copied, `.sync-partial` the file that is being copied,
`.sync-removed-7` a version on its way out. A rename is what puts a version in its place, and what takes it
away.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import hashlib
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator

from components.push.manifest import MANIFEST_PATH, verify_manifest
from components.push.publish import as_version, list_versions
from serving.model_server.versions import Snapshot, take_snapshot
from serving.model_sync.problems import DamagedVersionError, TargetError

STAGING_PREFIX = ".sync-"
REMOVED_PREFIX = ".sync-removed-"
PARTIAL_FILE = ".sync-partial"
LOCK_FILE = ".sync.lock"
LOCK_POLL_SECONDS = 0.1


class State(enum.Enum):
    """How a numbered folder stands."""

    WHOLE = "what its manifest says"
    DAMAGED = "not what its manifest says"
    FOREIGN = "without a manifest: not ours"


class Target:
    """One folder of versions. Its methods but `hold` want the lock held."""

    def __init__(self, folder: str) -> None:
        """Touches nothing yet."""
        self.path = pathlib.Path(folder)
        self._known: dict[int, tuple[Snapshot, State]] = {}

    @contextlib.contextmanager
    def hold(self, beat: Callable[[], None]) -> Iterator[None]:
        """Makes the folder and holds its lock, which the kernel frees when this process dies.

        Args:
          beat: called now and then while another sync has it.
        Raises:
          TargetError: the folder cannot be made or written to.
        """
        with explain(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            while not _try_lock(lock):
                beat()
                time.sleep(LOCK_POLL_SECONDS)
            yield
        finally:
            os.close(lock)

    def scan(self) -> dict[int, State]:
        """How each numbered folder stands; reads again only those that have changed."""
        known = self._known
        self._known = {}
        for version in list_versions(str(self.path)):
            snapshot = take_snapshot(self.path / str(version))
            before, state = known.get(version, (None, State.FOREIGN))
            self._known[version] = (snapshot, state if snapshot == before else self._judge(version))
        return {version: state for version, (_, state) in self._known.items()}

    def find_whole(self) -> list[int]:
        """Versions that can be served, oldest first; wants no lock."""
        return [version for version, state in self.scan().items() if state is State.WHOLE]

    def remove_leftovers(self, wanted: Collection[int]) -> None:
        """Removes what killed syncs left; half-copied versions that are still wanted stay, to be resumed."""
        for name in os.listdir(self.path):
            if name == PARTIAL_FILE:
                os.unlink(self.path / name)
            elif (
                name.startswith(STAGING_PREFIX)
                and as_version(name.removeprefix(STAGING_PREFIX)) not in wanted
            ):
                shutil.rmtree(self.path / name)

    def open_staging(self, version: int, files: Iterable[str]) -> Staging:
        """The folder in which a version is put together; keeps these files of an earlier try."""
        staging = Staging(self.path / f"{STAGING_PREFIX}{version}", self.path / PARTIAL_FILE)
        staging.keep_only(set(files))
        return staging

    def place(self, staging: Staging, version: int) -> None:
        """Shows a version that is whole, in the place of a damaged one of this number if there is one."""
        place = self.path / str(version)
        if place.exists():
            os.rename(place, self.path / f"{REMOVED_PREFIX}{version}")
        os.rename(staging.path, place)
        sync_to_disk(self.path)
        shutil.rmtree(self.path / f"{REMOVED_PREFIX}{version}", ignore_errors=True)
        self._known[version] = (take_snapshot(place), State.WHOLE)

    def delete(self, version: int) -> None:
        """Takes a version away at once, then its files: no server ever sees half of it."""
        removed = self.path / f"{REMOVED_PREFIX}{version}"
        os.rename(self.path / str(version), removed)
        sync_to_disk(self.path)
        shutil.rmtree(removed)
        self._known.pop(version, None)

    def _judge(self, version: int) -> State:
        folder = self.path / str(version)
        if not (folder / MANIFEST_PATH).is_file():
            return State.FOREIGN
        return State.DAMAGED if verify_manifest(str(folder)) else State.WHOLE


class Staging:
    """A version that is being put together."""

    def __init__(self, path: pathlib.Path, partial: pathlib.Path) -> None:
        """Works in `path`, which is made; each file comes into being as `partial`."""
        self.path = path
        self._partial = partial
        path.mkdir(exist_ok=True)

    def keep_only(self, files: Collection[str]) -> None:
        """Removes what is not in these places, such as the files of another try."""
        for folder, folders, names in os.walk(self.path, topdown=False):
            for name in (*names, *folders):
                path = pathlib.Path(folder, name)
                if path.is_dir() and not path.is_symlink():
                    with contextlib.suppress(OSError):  # It holds files that stay.
                        path.rmdir()
                elif path.is_symlink() or path.relative_to(self.path).as_posix() not in files:
                    path.unlink()

    def fits(self, path: str, size: int, digest: str) -> bool:
        """Whether a file is there with this size and sha256."""
        place = self.path / path
        if not place.is_file() or place.stat().st_size != size:
            return False
        with open(place, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest

    def write(self, path: str, parts: Iterable[bytes], digest: str) -> None:
        """Writes a file and waits until the disk has it.

        Raises:
          DamagedVersionError: its sha256 is another one; nothing is written then.
        """
        found = hashlib.sha256()
        try:
            with open(self._partial, "wb") as stream:
                for part in parts:
                    found.update(part)
                    stream.write(part)
                stream.flush()
                os.fsync(stream.fileno())
            if found.hexdigest() != digest:
                raise DamagedVersionError(f"{path} must have sha256 {digest}, got {found.hexdigest()}")
            place = self.path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            os.rename(self._partial, place)
        finally:
            self._partial.unlink(missing_ok=True)

    def verify(self) -> list[str]:
        """What differs from the manifest; when nothing does, the disk has all of it."""
        problems = verify_manifest(str(self.path))
        if not problems:
            for folder, _, _ in os.walk(self.path, topdown=False):
                sync_to_disk(folder)
        return problems


@contextlib.contextmanager
def explain(path: pathlib.Path) -> Iterator[None]:
    """Says of an error of the file system that it is the target's."""
    try:
        yield
    except OSError as error:
        raise TargetError(
            f"{path} must be a folder that user {os.getuid()} can write to, got: {error}; check the volume"
        ) from error


def sync_to_disk(folder: str | pathlib.Path) -> None:
    """Waits until the disk has the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
