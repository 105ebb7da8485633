"""Every object by the schemas of several versions of Kubernetes, unknown fields refused."""

from __future__ import annotations

import copy

import kubernetes_validate
import pytest

from tests.k8s.manifests import STACKS, render

VERSIONS = ("1.34", "1.35", "1.36", "1.37")
"""The first is the one that tests/cluster runs."""
OF_OPERATORS = {
    "Certificate",
    "ExternalSecret",
    "InferenceService",
    "Issuer",
    "PrometheusRule",
    "ServiceMonitor",
    "ServingRuntime",
}
"""Kinds that Kubernetes has no schema of; tests/cluster has the operators' own definitions."""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("stack", STACKS)
def test_every_object_is_valid(stack, version):
    checked = [one for one in render(stack) if one["kind"] not in OF_OPERATORS]
    assert checked
    for document in checked:
        kubernetes_validate.validate(document, version, strict=True)


def test_a_field_that_does_not_exist_is_refused():
    deployment = copy.deepcopy(next(one for one in render("overlays/local") if one["kind"] == "Deployment"))
    deployment["spec"]["template"]["spec"]["terminationGraceSeconds"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)
