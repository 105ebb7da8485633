"""Where versions are mirrored from: an object store or a folder, read by obstore."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

import obstore

from components import object_store
from components.errors import ConfigError
from components.push.publish import as_version
from serving.model_sync.contents import drop_folder_marks
from serving.model_sync.problems import IncompleteVersionError, SourceError

CHUNK_BYTES = 1 << 20


class Source:
    """The versions under one prefix. Reads only."""

    def __init__(self, store: object_store.Store, url: str) -> None:
        """Looks at a store.

        Args:
          store: rooted where the versions lie.
          url: its name, for errors.
        """
        self._store = store
        self._url = url

    def list_versions(self) -> list[int]:
        """The versions that are there, half-pushed ones included, oldest first.

        Raises:
          SourceError: the source cannot be read.
        """
        with _explain(self._url):
            folders = obstore.list_with_delimiter(self._store)["common_prefixes"]
        versions = (as_version(folder.rstrip("/")) for folder in folders)
        return sorted(version for version in versions if version is not None)

    def list_files(self, version: int) -> dict[str, int]:
        """Size in bytes of each object of a version, by its path there.

        Raises:
          SourceError: the source cannot be read.
        """
        with _explain(self._url):
            objects = obstore.list(self._store, str(version)).collect()
        return drop_folder_marks({one["path"].partition("/")[2]: one["size"] for one in objects})

    def read(self, version: int, path: str) -> Iterator[bytes]:
        """The content of an object, in parts.

        Raises:
          IncompleteVersionError: it is gone, such as when the version is being taken away.
          SourceError: the source cannot be read.
        """
        with _explain(self._url):
            try:
                found = obstore.get(self._store, f"{version}/{path}")
            except FileNotFoundError as error:
                raise IncompleteVersionError(
                    f"version {version} must hold {path}, got no such object any more; push it again"
                ) from error
            for part in found.stream(CHUNK_BYTES):
                yield bytes(part)


def open_source(url: str, endpoint: str, environment: Mapping[str, str] = os.environ) -> Source:
    """Prepares to read a source; only a folder is looked at yet.

    Args:
      url: s3://, minio:// or gs://, bucket and prefix; or a folder.
      endpoint: URL of the S3 or MinIO service; empty takes the environment's.
      environment: where else the endpoint may stand, and the roots of its certificate.
    Raises:
      SourceError: the folder is not there, or the environment holds what cannot be.
    """
    with _explain(url):
        return Source(object_store.open_store(url, endpoint, environment), url)


@contextlib.contextmanager
def _explain(url: str) -> Iterator[None]:
    """Turns what obstore raises into one line."""
    try:
        yield
    except (*object_store.ERRORS, ConfigError) as error:
        raise SourceError(
            f"{url} must be a place that can be read, got: {object_store.first_line(error)}; check the URL, "
            "the endpoint and the credentials"
        ) from error
