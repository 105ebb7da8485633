"""The rules of the monitoring component, and the tools that read them."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

from tests.k8s.manifests import Document


def find_tool(name: str) -> str:
    """The path of a program.

    Raises:
      FileNotFoundError: it is not on PATH.
    """
    if path := shutil.which(name):
        return path
    raise FileNotFoundError(f"{name} must be on PATH, got none; .ci/monitoring-tools installs it")


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
