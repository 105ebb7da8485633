"""Every overlay and component against a real API server with the operators' own definitions.

Field validation is strict, and a warning is a failure: pod security only warns of a Deployment whose
pods it would not let in.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pytest
import yaml

from tests.cluster import custom_resources
from tests.cluster.layout import default_layout
from tests.cluster.scene import ROOT, kubectl, run_kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("definitions")]
OVERLAYS = sorted(path.parent for path in (ROOT / "k8s" / "overlays").glob("*/kustomization.yaml"))
COMPONENTS = sorted(path.parent for path in (ROOT / "k8s" / "components").glob("*/kustomization.yaml"))
DEFAULTED = "Warning: spec.SessionAffinity is ignored for headless services"
"""Kubernetes 1.34 says it of its own default, None. Source: pkg/api/service/warnings.go."""
TEMPLATED = ("Deployment", "Job")


@pytest.fixture(scope="module")
def definitions() -> None:
    """prometheus-operator's, cert-manager's, external-secrets' and KServe's resources are known."""
    folder = custom_resources.locate(default_layout())
    # Some are longer than the annotation that a client-side apply writes.
    kubectl("apply", "--server-side", f"--filename={folder}")
    kubectl("wait", "--for=condition=Established", f"--filename={folder}", "--timeout=60s")


@pytest.fixture(params=[*OVERLAYS, *COMPONENTS], ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def rendered(request, tmp_path) -> list[dict[str, Any]]:
    """An overlay's objects, or those of the base with a component, in a namespace that is there."""
    folder: pathlib.Path = request.param
    namespace = f"check-{folder.parent.name}-{folder.name}"
    kustomization: dict[str, Any] = {"namespace": namespace}
    if folder in OVERLAYS:
        kustomization["resources"] = [os.path.relpath(folder, tmp_path)]
    else:
        kustomization["resources"] = [os.path.relpath(ROOT / "k8s" / "base", tmp_path)]
        kustomization["components"] = [os.path.relpath(folder, tmp_path)]
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    objects = list(yaml.safe_load_all(kubectl("kustomize", str(tmp_path))))
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": restricted()}}
    kubectl("apply", "--filename=-", text=yaml.safe_dump(space))
    # Admission of pods wants it there, and who makes it may come late.
    kubectl("wait", "--for=create", "serviceaccount/default", namespace=namespace)
    return [made for made in objects if made["kind"] != "Namespace"]


def restricted() -> dict[str, str]:
    """Labels of a namespace that lets in what the strictest standard allows, and tells of all else."""
    prefix = "pod-security.kubernetes.io"
    return {f"{prefix}/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}


def test_a_server_side_dry_run_takes_every_object_without_a_warning(rendered):
    assert rendered
    text = yaml.safe_dump_all(rendered)
    namespace = next(made["metadata"]["namespace"] for made in rendered if "namespace" in made["metadata"])
    ended = run_kubectl(
        "apply", "--filename=-", "--dry-run=server", "--validate=strict", text=text, namespace=namespace
    )
    assert ended.returncode == 0, ended.stderr
    assert [line for line in ended.stderr.splitlines() if line != DEFAULTED] == []
    assert ended.stdout.count("(server dry run)") == len(rendered)


def test_pods_of_every_template_are_let_in_under_restricted(rendered):
    for owner in rendered:
        if owner["kind"] not in TEMPLATED:
            continue
        template = owner["spec"]["template"]
        metadata = {"name": owner["metadata"]["name"], **template["metadata"]}
        # A dry run has not made the account that the pod names.
        spec = {key: value for key, value in template["spec"].items() if key != "serviceAccountName"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        ended = run_kubectl(
            "create",
            "--filename=-",
            "--dry-run=server",
            "--validate=strict",
            text=yaml.safe_dump(pod),
            namespace=owner["metadata"]["namespace"],
        )
        assert ended.returncode == 0, ended.stderr
        assert "Warning" not in ended.stderr
