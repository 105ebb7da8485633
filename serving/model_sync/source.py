"""Where versions are mirrored from: an object store or a folder, read by obstore.

Credentials come from the environment, as their services' own tools read them: AWS_ACCESS_KEY_ID and its
kin, a web identity or the machine's own for S3 and MinIO; GOOGLE_APPLICATION_CREDENTIALS or the machine's
own for GCS.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import obstore
from obstore import exceptions
from obstore.store import GCSStore, LocalStore, S3Store

from components.push.publish import as_version
from serving.model_sync.contents import drop_folder_marks
from serving.model_sync.problems import IncompleteVersionError, SourceError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
KUBEFLOW_ENDPOINT = "http://minio-service.kubeflow:9000"
"""What minio:// means to Kubeflow. Source: KFP's backend/src/v2/config and objectstore."""
CA_VARIABLE = "AWS_CA_BUNDLE"
"""File of roots that an S3 or MinIO service may show, beside the machine's; as Amazon's tools have it."""
CHUNK_BYTES = 1 << 20
SILENCE_SECONDS = 30
"""A server that says nothing for so long is gone."""
REQUEST_SECONDS = 3600
"""For one object, however slowly it flows."""
NUM_RETRIES = 2
RETRY_SECONDS = 20

_DURATION = re.compile(r" in [0-9.]+(?:ns|µs|ms|s)\b")

Store = S3Store | GCSStore | LocalStore


class Source:
    """The versions under one prefix. Reads only."""

    def __init__(self, store: Store, url: str) -> None:
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
    scheme, is_url, rest = url.partition("://")
    with _explain(url):
        if not is_url:
            return Source(LocalStore(url), url)
        bucket, _, prefix = rest.strip("/").partition("/")
        if scheme == "gs":
            return Source(_open_gcs(bucket, prefix), url)
        default = KUBEFLOW_ENDPOINT if scheme == "minio" else ""
        given = (environment.get(name, "") for name in ENDPOINT_VARIABLES)
        options = _make_options(environment.get(CA_VARIABLE, ""))
        return Source(_open_s3(bucket, prefix, endpoint or next(filter(None, given), default), options), url)


def _open_s3(bucket: str, prefix: str, endpoint: str, options: ClientConfig) -> S3Store:
    if not endpoint:
        return S3Store(bucket, prefix=prefix, client_options=options, retry_config=_make_retry())
    return S3Store(
        bucket,
        prefix=prefix,
        # The variable of this name has the last word with obstore, so the choice made here must bear it.
        config={"aws_endpoint_url_s3": endpoint},
        client_options={**options, "allow_http": endpoint.startswith("http://")},
        retry_config=_make_retry(),
    )


def _open_gcs(bucket: str, prefix: str) -> GCSStore:
    # The metadata server, which hands out a pod's own credentials, speaks http.
    options: ClientConfig = {**_make_options(""), "allow_http": True}
    return GCSStore(bucket, prefix=prefix, client_options=options, retry_config=_make_retry())


def _make_options(ca_file: str) -> ClientConfig:
    options: ClientConfig = {
        "timeout": datetime.timedelta(seconds=REQUEST_SECONDS),
        "read_timeout": datetime.timedelta(seconds=SILENCE_SECONDS),
    }
    if ca_file:
        options["root_certificate"] = pathlib.Path(ca_file).read_bytes()
    return options


def _make_retry() -> RetryConfig:
    # The next round is the better retry: between two, the command tells what is wrong.
    return {"max_retries": NUM_RETRIES, "retry_timeout": datetime.timedelta(seconds=RETRY_SECONDS)}


@contextlib.contextmanager
def _explain(url: str) -> Iterator[None]:
    """Turns what obstore raises into one line; its messages have more, with all of the answer."""
    try:
        yield
    except (exceptions.BaseError, OSError, ValueError) as error:
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        # The same trouble must read the same the next time, so that it is told once.
        line = _DURATION.sub("", line).removesuffix(":")
        raise SourceError(
            f"{url} must be a place that can be read, got: {line}; check the URL, the endpoint and the "
            "credentials"
        ) from error
