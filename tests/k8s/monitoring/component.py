"""The monitoring component as kubectl renders it beside an overlay, and the tools that read its rules."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from typing import Any

import yaml

ROOT = pathlib.Path(__file__).parents[3]
Document = dict[str, Any]


def find_tool(name: str) -> str:
    """The path of a program.

    Raises:
      FileNotFoundError: it is not on PATH.
    """
    if path := shutil.which(name):
        return path
    raise FileNotFoundError(f"{name} must be on PATH, got none; .ci/monitoring-tools installs it")


def render(folder: pathlib.Path, overlay: str = "overlays/prod") -> list[Document]:
    """The documents of an overlay with the component; writes a kustomization into the folder."""
    place = {
        name: os.path.relpath(ROOT / "k8s" / name, folder.resolve())
        for name in (overlay, "components/monitoring")
    }
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [place[overlay]],
        "components": [place["components/monitoring"]],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    made = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    assert made.returncode == 0, made.stderr
    return list(yaml.safe_load_all(made.stdout))


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    """The documents of a kind."""
    return [document for document in documents if document["kind"] == kind]


def find(documents: list[Document], kind: str, name: str) -> Document:
    """The one document of a kind whose name begins so: generated names end with a hash."""
    (found,) = (one for one in of_kind(documents, kind) if one["metadata"]["name"].startswith(name))
    return found


def list_rules(groups: list[Document]) -> list[Document]:
    """The rules of all groups."""
    return [rule for group in groups for rule in group["rules"]]


def name_rule(rule: Document) -> str:
    """What a rule records, or the alert that it raises."""
    return rule.get("record") or rule["alert"]


def run_promtool(*arguments: str | pathlib.Path, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Runs promtool; both streams come as stdout."""
    return subprocess.run(
        [find_tool("promtool"), *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
