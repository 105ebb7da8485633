"""docs/deploy*.md say what is there: commands that the tests run, targets, components, links."""

from __future__ import annotations

import re

import pytest

from tests.cluster.scene import LOAD
from tests.k8s.manifests import COMPONENTS, OVERLAYS, ROOT

PAGES = ("deploy.md", "deploy-components.md", "runbook.md", "model-sync.md", "rollout.md", "scale.md")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()


def anchors(page):
    """What GitHub and GitLab make of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / page).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / "docs" / page).read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        assert (ROOT / "docs" / file).exists(), target
        if anchor:
            assert anchor in anchors(file or page), target


def test_the_loaders_command_is_the_one_that_the_cluster_test_runs():
    assert f"sh -c '{LOAD}'" in DEPLOY


def test_targets_are_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make ([a-z0-9-]+)", DEPLOY, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_overlay_and_component_is_told_of():
    told = DEPLOY + (ROOT / "docs" / "deploy-components.md").read_text()
    for name in (*OVERLAYS, *COMPONENTS):
        assert f"`{name.rpartition('/')[2]}`" in told, name
