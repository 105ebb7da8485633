"""k8s/ as kubectl renders it: each overlay, and the base with each component."""

from __future__ import annotations

import functools
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import yaml

from tests.cluster import binaries
from tests.cluster.layout import default_layout

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "k8s"
OVERLAYS = tuple(
    sorted(str(path.parent.relative_to(FOLDER)) for path in FOLDER.glob("overlays/*/kustomization.yaml"))
)
COMPONENTS = tuple(
    sorted(str(path.parent.relative_to(FOLDER)) for path in FOLDER.glob("components/*/kustomization.yaml"))
)
STACKS = (*OVERLAYS, *COMPONENTS)
"""All that can be applied; a component's name stands for the base with it."""
Document = dict[str, Any]


@functools.cache
def render(stack: str) -> tuple[Document, ...]:
    """The documents of an overlay, or of the base with a component.

    Raises:
      AssertionError: kubectl refuses it.
    """
    if stack in OVERLAYS:
        return build(FOLDER / stack)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        kustomization = {
            "resources": [os.path.relpath(FOLDER / "base", folder)],
            "components": [os.path.relpath(FOLDER / stack, folder)],
        }
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return build(folder)


def build(folder: pathlib.Path) -> tuple[Document, ...]:
    """What `kubectl kustomize` prints of a folder."""
    kubectl = str(binaries.fetch_kubectl(default_layout()))
    made = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    assert made.returncode == 0, made.stderr
    assert "Warning" not in made.stderr, made.stderr
    return tuple(yaml.safe_load_all(made.stdout))


def of_kind(documents: tuple[Document, ...], *kinds: str) -> list[Document]:
    """The documents of some kinds."""
    return [document for document in documents if document["kind"] in kinds]


def find(documents: tuple[Document, ...], kind: str, name: str) -> Document:
    """The one document of a kind whose name begins so: generated names end with a hash."""
    (found,) = (one for one in of_kind(documents, kind) if one["metadata"]["name"].startswith(name))
    return found


def templates(documents: tuple[Document, ...]) -> Iterator[Document]:
    """The pods that controllers would make: metadata and spec."""
    for document in of_kind(documents, "Deployment", "StatefulSet", "DaemonSet", "Job"):
        yield document["spec"]["template"]
    for document in of_kind(documents, "CronJob"):
        yield document["spec"]["jobTemplate"]["spec"]["template"]


def containers(documents: tuple[Document, ...]) -> Iterator[Document]:
    """Every container of every pod, those that start first among them."""
    for template in templates(documents):
        yield from template["spec"].get("initContainers", [])
        yield from template["spec"]["containers"]


def is_selected(selector: Document, labels: Document) -> bool:
    """Whether labels match a selector's matchLabels."""
    return selector.items() <= labels.items()
