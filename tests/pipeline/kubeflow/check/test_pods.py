"""What the platform document says of a pod reaches the pod."""

from __future__ import annotations

import pytest

from pipeline.kubeflow.package import Json
from tests.pipeline.kubeflow.check.two_tasks import Change, assert_broken, check_kfp, pods

POD = "platforms.kubernetes.deploymentSpec.executors[exec-use]"


def pod(**fields: object) -> Change:
    return lambda package: pods(package)["exec-use"].update(fields)


def mount(**fields: object) -> Change:
    """Mounts one more claim."""
    return lambda package: pods(package)["exec-use"]["pvcMount"].append(fields)


BROKEN = {
    "a pull policy": (pod(imagePullPolicy="Sometimes"), "pull-policy", ".imagePullPolicy"),
    "a path of KFP's": (mount(constant="b", mountPath="/minio/"), "volume", ".pvcMount[1].mountPath"),
    "no absolute path": (mount(constant="b", mountPath="data"), "volume", ".pvcMount[1].mountPath"),
    "a claim with a dot": (mount(constant="a.b", mountPath="/data"), "volume", ".pvcMount[1].constant"),
    "no claim": (mount(mountPath="/data"), "volume", ".pvcMount[1]"),
    "no secret": (
        pod(secretAsEnv=[{"keyToEnv": [{"secretKey": "k", "envVar": "A"}]}]),
        "reference",
        ".secretAsEnv[0]",
    ),
    "no key": (
        pod(secretAsEnv=[{"secretName": "s", "keyToEnv": [{"envVar": "A"}]}]),
        "reference",
        ".secretAsEnv[0].keyToEnv",
    ),
    "no variable": (
        pod(configMapAsEnv=[{"configMapName": "s", "keyToEnv": [{"configMapKey": "k", "envVar": "A B"}]}]),
        "reference",
        ".configMapAsEnv[0].keyToEnv",
    ),
    "an operator": (pod(tolerations=[{"key": "a", "operator": "Is"}]), "toleration", ".tolerations[0]"),
    "an effect": (pod(tolerations=[{"key": "a", "effect": "No"}]), "toleration", ".tolerations[0]"),
    "a value with Exists": (
        pod(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]),
        "toleration",
        ".tolerations[0]",
    ),
    "a label of 64 letters": (
        pod(podMetadata={"labels": {"team": "a" * 64}}),
        "label",
        ".podMetadata.labels",
    ),
    "a label with a space": (
        pod(nodeSelector={"labels": {"a b": "c"}}),
        "label",
        ".nodeSelector.labels",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pod_is_found(name: str) -> None:
    change, rule, place = BROKEN[name]
    assert_broken(check_kfp(change), rule, f"{POD}{place}", "KFP accepts it; ")


@pytest.mark.parametrize(
    "change", [mount(constant="models", mountPath="/b"), mount(constant="b", mountPath="/models")]
)
def test_a_claim_is_mounted_once_and_a_path_has_one_volume(change: Change) -> None:
    found = {(violation.rule, violation.place) for violation in check_kfp(change)}
    assert {rule for rule, _ in found} == {"volume"}
    assert len(found) == 2


@pytest.mark.parametrize(
    "change",
    [
        pod(imagePullSecret=[{"secretName": "registry"}], imagePullPolicy=""),
        pod(podMetadata={"labels": {"example.com/team": "a_b.c-d", "empty": ""}}),
        mount(pvcNameParameter={"componentInputParameter": "n"}, mountPath="/data"),
        pod(secretAsVolume=[{"secretName": "s", "mountPath": "/secrets"}]),
        pod(tolerations=[{"key": "a", "value": "b", "tolerationSeconds": "60"}]),
    ],
)
def test_a_whole_pod_is_none(change: Change) -> None:
    assert check_kfp(change) == []


def test_a_misspelt_platform_document_is_called_what_kfp_takes_it_for() -> None:
    """KFP does not see it at all, and no secret and no volume reaches a pod."""

    def change(package: list[Json]) -> None:
        kubernetes = package[1]["platforms"]["kubernetes"]
        kubernetes["deploymentSpecs"] = kubernetes.pop("deploymentSpec")

    place = "platforms[kubernetes].deploymentSpecs"
    assert_broken(check_kfp(change), "schema", place, "takes the document for a foreign one")


def test_another_platform_is_ignored_by_kfp() -> None:
    def change(package: list[Json]) -> None:
        package[1]["platforms"]["vertex"] = package[1]["platforms"].pop("kubernetes")

    assert_broken(check_kfp(change), "documents", "document[2].platforms", "ignores every other")
