"""A task's artifacts in a folder that Beam's workers see too, where Beam runs outside the task's pod.

The local twins are in the pod alone. A volume mounted in the pod and in the workers, or a gs:// folder, is
seen by both: inputs are copied there, the component works there, outputs are copied back to their twins.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Sequence

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from pipeline.kubeflow.bridge.artifact_places import ArtifactPlace
from pipeline.kubeflow.bridge.locations import Twins


@contextlib.contextmanager
def open_twins(folder: str) -> Iterator[Twins]:
    """Twins in a new folder below `folder`, which is gone afterwards.

    Args:
      folder: absolute path of a mounted volume, or gs:// URI.
    """
    root = os.path.join(folder, f"task-{uuid.uuid4().hex}")
    try:
        yield Twins(root)
    finally:
        if fileio.exists(root):
            fileio.rmtree(root)


def copy_artifacts(sources: Sequence[ArtifactPlace], targets: Sequence[ArtifactPlace]) -> None:
    """Copies each artifact from its one place to its other; what is no twin has one place only.

    Args:
      sources: where the artifacts are; those that were not written are left out.
      targets: the same artifacts, in the same order.
    """
    for source, target in zip(sources, targets, strict=True):
        if source.path == target.path or not fileio.exists(source.path):
            continue
        if fileio.isdir(source.path):
            io_utils.copy_dir(source.path, target.path)
        else:
            io_utils.copy_file(source.path, target.path, overwrite=True)
