"""A folder that stands for the object store: files only, no folders, no links."""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Iterator

from pipeline.kubeflow.bridge.locations import TWIN_FOLDERS
from pipeline.kubeflow.rehearsal.errors import TaskError


class ObjectStore:
    """Copies artifacts in and out as KFP's launcher does."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    def find(self, uri: str) -> pathlib.Path:
        """Where a URI's file, or the files below it, are.

        Raises:
          TaskError: KFP's launcher does not know the URI's scheme.
        """
        for scheme in TWIN_FOLDERS:
            if uri.startswith(scheme):
                return self._folder / scheme.removesuffix("://") / uri.removeprefix(scheme)
        raise TaskError(
            f"an artifact's URI must start with {', '.join(TWIN_FOLDERS)}, got '{uri}'; "
            "KFP would say to the task that takes it: unrecognized uri format"
        )

    def download(self, uri: str, twin: pathlib.Path) -> bool:
        """Copies what is at a URI to its twin; an empty folder has vanished, and so has its twin then.

        Returns:
          Whether anything was there.
        """
        source = self.find(uri)
        if source.is_dir():
            shutil.copytree(source, twin, dirs_exist_ok=True)
        elif source.exists():
            twin.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, twin)
        return source.exists()

    def upload(self, twin: pathlib.Path, uri: str) -> int:
        """Copies the files at a twin to the URI.

        Returns:
          The number of files; none where the task wrote nothing.
        Raises:
          TaskError: a link that KFP's launcher cannot follow.
        """
        target = self.find(uri)
        files = list(_walk(twin, uri))
        for file in files:
            copy = target / file.relative_to(twin) if file != twin else target
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        return len(files)

    def remove(self, uri: str) -> None:
        """Removes all that is below a URI."""
        shutil.rmtree(self.find(uri), ignore_errors=True)


def _walk(twin: pathlib.Path, uri: str) -> Iterator[pathlib.Path]:
    """Files of an artifact, in order; links to files are followed, others are refused."""
    if twin.is_file():
        yield twin
        return
    for folder, folders, names in os.walk(twin):
        folders.sort()
        for name in folders:
            if (link := pathlib.Path(folder, name)).is_symlink():
                raise TaskError(
                    f"{uri} must hold no link to a folder, got {link.relative_to(twin)}; "
                    "KFP's launcher would end there"
                )
        for name in sorted(names):
            file = pathlib.Path(folder, name)
            if not file.exists():
                raise TaskError(
                    f"{uri} must hold no dangling link, got {file.relative_to(twin)}; KFP's launcher would "
                    "stop the upload there, lose the rest and report success"
                )
            yield file
