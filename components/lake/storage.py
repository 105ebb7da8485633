"""A lake's objects, in a local folder or an object store: written whole or not at all, never changed."""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import pathlib
import re
import uuid
from collections.abc import Iterator

import obstore
from obstore import exceptions

from components import object_store
from components.errors import InputError

UNFINISHED_PREFIX = ".unfinished-"
"""Of files that are being written in a local folder."""

_URL = re.compile("[A-Za-z][A-Za-z0-9+.-]*:/")
"""Of any kind, also one that lacks a slash: no folder of that name is meant."""


class TakenError(Exception):
    """An object of that name is there already."""


class Storage:
    """The objects under one location."""

    def __init__(self, location: str) -> None:
        """Looks at nothing yet but the environment.

        Args:
          location: s3://, minio:// or gs://, bucket and prefix; or a folder, which need not be there.
        Raises:
          InputError: it is no such URL, or the environment holds what cannot be.
        """
        self.location = location.rstrip("/") or location
        self._folder = None if _URL.match(location) else pathlib.Path(location)
        if self._folder is None:
            if not object_store.is_url(location):
                raise InputError(
                    f"a lake must be a folder or {'://BUCKET/PREFIX, '.join(object_store.SCHEMES)}"
                    f"://BUCKET/PREFIX, got {location}; mend it"
                )
            with self._explain():
                self._store = object_store.open_store(location)

    def place(self, path: str) -> str:
        """Path or URL of an object."""
        return f"{self.location}/{path}"

    def read(self, path: str) -> bytes | None:
        """The content of an object; None where there is none.

        Raises:
          InputError: the place cannot be read.
        """
        with self._explain():
            try:
                if self._folder is not None:
                    return (self._folder / path).read_bytes()
                return bytes(obstore.get(self._store, path).bytes())
            except FileNotFoundError:
                return None

    def list(self, prefix: str) -> dict[str, datetime.datetime]:
        """Path of each object under a prefix -> when it was written.

        Raises:
          InputError: the place cannot be read.
        """
        with self._explain():
            if self._folder is not None:
                return dict(self._walk(prefix))
            return {one["path"]: one["last_modified"] for one in obstore.list(self._store, prefix).collect()}

    def create(self, path: str, content: bytes) -> None:
        """Writes an object that is not there; it is there as a whole or not at all, whatever ends us.

        Raises:
          TakenError: it is there already, of whomever.
          InputError: the place cannot be written to.
        """
        with self._explain():
            try:
                if self._folder is not None:
                    _create_file(self._folder / path, content)
                else:
                    obstore.put(self._store, path, content, mode="create")
            except (FileExistsError, exceptions.AlreadyExistsError) as error:
                raise TakenError(self.place(path)) from error

    def delete(self, path: str) -> None:
        """Takes an object away, if it is there.

        Raises:
          InputError: the place cannot be written to.
        """
        with self._explain(), contextlib.suppress(FileNotFoundError):
            if self._folder is not None:
                (self._folder / path).unlink()
            else:
                obstore.delete(self._store, path)

    def _walk(self, prefix: str) -> Iterator[tuple[str, datetime.datetime]]:
        folder = self._folder or pathlib.Path()
        for parent, _, names in os.walk(folder / prefix, onerror=_refuse_unlistable):
            for name in names:
                path = pathlib.Path(parent, name)
                with contextlib.suppress(FileNotFoundError):  # A writer has just finished with it.
                    written = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
                    yield path.relative_to(folder).as_posix(), written

    @contextlib.contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except NotADirectoryError as error:
            raise InputError(
                f"{_find_file(error.filename or self.location)} must be a folder, got a file; move it away, "
                "or give another place for the lake"
            ) from error
        except object_store.ERRORS as error:
            raise InputError(
                f"{self.location} must be a place that can be read and written, got: "
                f"{object_store.first_line(error)}; check the path, the endpoint and the credentials"
            ) from error


def _refuse_unlistable(error: OSError) -> None:
    """What cannot be listed is not empty; what is not there is."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _find_file(path: str) -> str:
    """The part of a path that should be a folder and is none."""
    parts = (path, *map(str, pathlib.Path(path).parents))
    return next((part for part in parts if os.path.lexists(part) and not os.path.isdir(part)), path)


def _create_file(path: pathlib.Path, content: bytes) -> None:
    """Under another name first; the link fails where the name is taken. The disk has it when it is shown."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # The object's own name is not the one that is taken.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path.parent)) from error
    unfinished = path.with_name(f"{UNFINISHED_PREFIX}{uuid.uuid4().hex}")
    try:
        with open(unfinished, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
