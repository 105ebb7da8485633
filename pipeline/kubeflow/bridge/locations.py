"""The two places of an artifact: its URI in the object store and its local twin in the task's container.

KFP's launcher copies each input from the URI to the twin before the task runs, and each output back after it.
"""

from __future__ import annotations

import dataclasses
import os
import re

from pipeline.kubeflow.bridge.bridge_error import BridgeError

TWIN_FOLDERS = {"minio://": "/minio/", "s3://": "/s3/", "gs://": "/gcs/"}
"""Scheme of a URI -> folder of its twins. Source: LocalPathForURI in KFP's backend/src/v2/component."""

RESULTS_VARIABLE = "MARKETCAST_RESULTS_FOLDER"
"""Where a step keeps results for later runs; it does not where Beam's workers share its artifacts."""
TWIN_ROOT_VARIABLE = "MARKETCAST_TWIN_ROOT"
"""Environment variable: the folder that holds the twin folders, where a task runs without a container."""

REMOTE_ROOT = "gs://"
"""A folder of twins may be there: TensorFlow and Beam open such files themselves."""

_SCHEMES = {folder.strip("/"): scheme for scheme, folder in TWIN_FOLDERS.items()}


@dataclasses.dataclass(frozen=True)
class Twins:
    """The way from URIs to local twins and back.

    Attributes:
      root: folder that holds the twin folders, or a gs:// URI; empty in a container, where they stand at
        the top.
    """

    root: str = ""

    def __post_init__(self) -> None:
        if self.root.startswith(REMOTE_ROOT):
            return
        if self.root and (self.root != os.path.abspath(self.root) or self.root == os.sep):
            raise BridgeError(
                "the folder of twins must be an absolute path without a slash at its end, got "
                f"{self.root!r}; mend {TWIN_ROOT_VARIABLE} (unset it in a container) or --shared_folder"
            )

    def to_local(self, uri: str) -> str:
        """The twin of a URI; a path, or a URI of another scheme, stays as it is."""
        for scheme, folder in TWIN_FOLDERS.items():
            if uri.startswith(scheme):
                return f"{self.root}{folder}{uri.removeprefix(scheme)}"
        return uri

    def to_uri(self, path: str) -> str:
        """The URI of a twin; whatever is no twin stays as it is."""
        for scheme, folder in TWIN_FOLDERS.items():
            if path.startswith(self.root + folder):
                return scheme + path.removeprefix(self.root + folder)
        return path

    def place(self, path: str) -> str:
        """Where a file is that the launcher names by its path in the container, or by its URI."""
        if path.startswith(tuple(TWIN_FOLDERS.values())):
            return self.root + path
        return self.to_local(path)

    def restore(self, text: str) -> str:
        """Puts URIs for all twins that a text names; a twin starts where no path is going on.

        With no root:  see /s3/b/x, /data/s3/y and http://h/s3/z  ->  see s3://b/x, /data/s3/y and http://h/s3/z
        """
        start = re.escape(self.root)
        twin = rf"(?<![\w./~-]){start}/({'|'.join(_SCHEMES)})/"
        return re.sub(twin, lambda match: _SCHEMES[match[1]], text)
