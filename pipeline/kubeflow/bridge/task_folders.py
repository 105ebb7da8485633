"""The files of a task's artifacts: what must be there before it runs, and what may be there after it."""

from __future__ import annotations

import logging
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator

from pipeline.kubeflow.bridge.artifact_places import ArtifactPlace
from pipeline.kubeflow.bridge.bridge_error import BridgeError


def make_inputs(inputs: Iterable[ArtifactPlace], is_value: Callable[[str], bool]) -> None:
    """Makes the input folders that vanished on the way through the object store, because they were empty.

    Args:
      inputs: the input artifacts; those that are no twins belong to somebody else and stay as they are.
      is_value: tells from a type's title whether the artifact is a value in a file.
    Raises:
      BridgeError: the file of a value is not there.
    """
    for place in inputs:
        if place.path == place.uri or os.path.exists(place.path):
            continue
        if is_value(place.type_title):
            raise BridgeError(
                f"input {place.key!r} must be a file with a value, got none at {place.uri}; "
                "let the component that makes it write its value"
            )
        # Right for an empty folder; for an object that has gone from the store, this is its only trace.
        logging.warning("input %r: nothing was at %s; taken for an empty folder", place.key, place.uri)
        os.makedirs(place.path)


def make_outputs(outputs: Iterable[ArtifactPlace], is_value: Callable[[str], bool]) -> None:
    """Makes what TFX finds on a local run: a folder for each output, an empty file for a value."""
    for place in outputs:
        if is_value(place.type_title):
            os.makedirs(os.path.dirname(place.path), exist_ok=True)
            pathlib.Path(place.path).touch()
        else:
            os.makedirs(place.path, exist_ok=True)


def mend_links(outputs: Iterable[ArtifactPlace]) -> None:
    """Puts copies for links to folders: the launcher's upload ends at them.

    A link to a file is followed by the launcher and stays.

    Raises:
      BridgeError: a link leads nowhere, or round in a circle.
    """
    for place in outputs:
        for link in sorted(_links(place.path)):
            owner = f"output {place.key!r}"
            if not os.path.exists(link):
                raise BridgeError(
                    f"{owner} must hold no dangling link, got {link} -> {os.readlink(link)}; "
                    "let the component write the file itself"
                )
            if os.path.isdir(link):
                _check_copyable(link, owner)
                _replace_by_copy(link)


def _links(path: str) -> Iterator[str]:
    if os.path.islink(path):
        yield path
        return
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            if os.path.islink(entry := os.path.join(folder, name)):
                yield entry


def _check_copyable(link: str, owner: str) -> None:
    """Follows every link below `link`; none may be dangling or lead to a folder that it is in."""
    for folder, folders, files in os.walk(link, followlinks=True):
        path = pathlib.Path(folder)
        if any(around.resolve().is_relative_to(path.resolve()) for around in path.parents):
            raise BridgeError(
                f"{owner} must hold no link to a folder around it, got {folder}; remove the link"
            )
        for name in (*folders, *files):
            if not os.path.exists(path / name):
                raise BridgeError(
                    f"{owner} must hold no dangling link, got {path / name}; let the component write the file"
                )


def _replace_by_copy(link: str) -> None:
    target = os.path.realpath(link)
    os.unlink(link)
    shutil.copytree(target, link)
