"""Object stores and folders by their URLs, through obstore.

Credentials come from the environment, as their services' own tools read them: AWS_ACCESS_KEY_ID and its
kin, a web identity or the machine's own for S3 and MinIO; GOOGLE_APPLICATION_CREDENTIALS or the machine's
own for GCS.
"""

from __future__ import annotations

import datetime
import functools
import os
import pathlib
import re
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING

import obstore
from obstore import exceptions
from obstore.store import GCSStore, LocalStore, S3Store

from components.errors import ConfigError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

SCHEMES = ("s3", "minio", "gs")
ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
KUBEFLOW_ENDPOINT = "http://minio-service.kubeflow:9000"
"""What minio:// means to Kubeflow. Source: KFP's backend/src/v2/config and objectstore."""
CA_VARIABLE = "AWS_CA_BUNDLE"
"""File of roots that an S3 or MinIO service may show, beside the machine's; as Amazon's tools have it."""
SILENCE_SECONDS = 30
"""A server that says nothing for so long is gone."""
REQUEST_SECONDS = 3600
"""For one object, however slowly it flows."""
NUM_RETRIES = 2
RETRY_SECONDS = 20
ERRORS = (exceptions.BaseError, OSError, ValueError)
"""What obstore raises; its AlreadyExistsError and FileNotFoundError among them."""

_DURATION = re.compile(r" in [0-9.]+(?:ns|µs|ms|s)\b")

Store = S3Store | GCSStore | LocalStore


def open_store(url: str, endpoint: str = "", environment: Mapping[str, str] = os.environ) -> Store:
    """Prepares to use a place; only a folder is looked at yet.

    Args:
      url: s3://, minio:// or gs://, bucket and prefix; or a folder.
      endpoint: URL of the S3 or MinIO service; empty takes the environment's.
      environment: where else the endpoint may stand, and the roots of its certificate.
    Raises:
      ConfigError: the endpoint is no URL.
      One of ERRORS: the folder is not there, or the environment holds what cannot be else.
    """
    scheme, is_url, rest = url.partition("://")
    if not is_url:
        return LocalStore(url)
    bucket, _, prefix = rest.strip("/").partition("/")
    if scheme == "gs":
        return _open_gcs(bucket, prefix)
    default = KUBEFLOW_ENDPOINT if scheme == "minio" else ""
    given = {"the endpoint": endpoint} | {name: environment.get(name, "") for name in ENDPOINT_VARIABLES}
    place, chosen = next(((name, url) for name, url in given.items() if url), ("", default))
    if place:
        _check_endpoint(place, chosen)
    return _open_s3(bucket, prefix, chosen, _make_options(environment.get(CA_VARIABLE, "")))


def is_url(location: str) -> bool:
    """Whether a location is a URL of a kind that open_store takes, with a bucket."""
    scheme, is_any, rest = location.partition("://")
    return bool(is_any) and scheme in SCHEMES and bool(rest.partition("/")[0])


def read_object(url: str) -> bytes:
    """The content of an object.

    Args:
      url: s3://, minio:// or gs://, bucket and path.
    Raises:
      OSError: it cannot be read, in one line.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, path = rest.partition("/")
    environment = tuple((name, os.environ.get(name, "")) for name in (*ENDPOINT_VARIABLES, CA_VARIABLE))
    try:
        return bytes(obstore.get(_open_bucket(f"{scheme}://{bucket}", environment), path).bytes())
    except ERRORS as error:
        raise OSError(first_line(error)) from error


@functools.lru_cache(maxsize=8)
def _open_bucket(url: str, environment: tuple[tuple[str, str], ...]) -> Store:
    """Opened once, so that many reads share connections, as long as the environment is the same."""
    return open_store(url, environment=dict(environment))


def first_line(error: BaseException) -> str:
    """What an error says first; obstore's messages have more, with all of the answer."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    # The same trouble must read the same the next time, so that it is told once.
    return _DURATION.sub("", line).removesuffix(":")


def _check_endpoint(place: str, endpoint: str) -> None:
    """Refuses what is no URL of a server, which obstore panics of."""
    try:
        parts = urllib.parse.urlsplit(endpoint)
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # Of a port that is no number.
        is_sound = False
    if not is_sound:
        raise ConfigError(
            f"{place} must be http(s)://HOST[:PORT], got {endpoint!r}; such as http://localhost:9000"
        )


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
    # Who asks can ask again, and tells what is wrong meanwhile.
    return {"max_retries": NUM_RETRIES, "retry_timeout": datetime.timedelta(seconds=RETRY_SECONDS)}
