"""Containers and importers that KFP's driver and launcher, and then Kubernetes, can start."""

from __future__ import annotations

import decimal

import pytest

from pipeline.kubeflow.check.quantities import read_quantity
from pipeline.kubeflow.package import Json
from tests.pipeline.kubeflow.check.two_tasks import Change, assert_broken, check_kfp, executors, tasks

CONTAINER = "deploymentSpec.executors[exec-use].container"


def container(**fields: object) -> Change:
    return lambda package: executors(package)["exec-use"]["container"].update(fields)


def resources(**fields: object) -> Change:
    return container(resources=fields)


def drop(field: str) -> Change:
    return lambda package: executors(package)["exec-use"]["container"].pop(field)


def import_from(uri: str) -> Change:
    return lambda package: executors(package).update(
        {"exec-use": {"importer": {"artifactUri": {"constant": uri}}}}
    )


def iterate(package: list[Json]) -> None:
    tasks(package)["use"]["artifactIterator"] = {"itemInput": "data", "items": {"inputArtifact": "data"}}


BROKEN = {
    "no image": (drop("image"), "image", f"{CONTAINER}.image", "the pod cannot be made"),
    "no command": (drop("command"), "command", f"{CONTAINER}.command", "the first argument as a command"),
    "cpu in words": (
        resources(resourceCpuLimit="two"),
        "resources",
        f"{CONTAINER}.resources.resourceCpuLimit",
        "quantities must match",
    ),
    "memory in MB": (
        resources(resourceMemoryRequest="512MB"),
        "resources",
        f"{CONTAINER}.resources.resourceMemoryRequest",
        "quantities must match",
    ),
    "memory below zero": (
        resources(resourceMemoryLimit="-1Gi"),
        "resources",
        f"{CONTAINER}.resources.resourceMemoryLimit",
        "quantities must match",
    ),
    "more than the limit": (
        resources(resourceMemoryRequest="2000Mi", resourceMemoryLimit="2G"),
        "resources",
        f"{CONTAINER}.resources",
        "the pod cannot be made",
    ),
    "more than the limit in old numbers": (
        resources(cpuRequest=2.5, cpuLimit=2.0),
        "resources",
        f"{CONTAINER}.resources",
        "the pod cannot be made",
    ),
    "an accelerator without count": (
        resources(accelerator={"resourceType": "nvidia.com/gpu"}),
        "accelerator",
        f"{CONTAINER}.resources.accelerator",
        "asks for no accelerator",
    ),
    "an accelerator of another cloud": (
        resources(accelerator={"type": "NVIDIA_TESLA_T4", "count": 1}),
        "accelerator",
        f"{CONTAINER}.resources.accelerator",
        "the pod cannot be made",
    ),
    "half an accelerator": (
        resources(accelerator={"resourceType": "nvidia.com/gpu", "resourceCount": "0.5"}),
        "accelerator",
        f"{CONTAINER}.resources.accelerator",
        "the driver fails",
    ),
    "an input that is not there": (
        container(args=["cat", "{{$.inputs.artifacts['dta'].path}}"]),
        "placeholder",
        CONTAINER,
        "the command gets the placeholder itself",
    ),
    "an output that is not there": (
        container(args=["> {{$.outputs.parameters['count'].output_file}}"]),
        "placeholder",
        CONTAINER,
        "the command gets the placeholder itself",
    ),
    "an importer of a path": (
        import_from("/data/raw"),
        "importer",
        "deploymentSpec.executors[exec-use].importer.artifactUri",
        "the importer succeeds",
    ),
    "a loop over artifacts": (
        iterate,
        "iterator",
        "root.dag.tasks[use].artifactIterator",
        "artifact iterator not implemented yet",
    ),
    "a field that KFP drops": (
        resources(resourceCpuLimt="2"),
        "schema",
        f"{CONTAINER}.resources.resourceCpuLimt",
        "it drops what it does not know",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_container_is_found(name: str) -> None:
    change, rule, place, consequence = BROKEN[name]
    assert_broken(check_kfp(change), rule, place, consequence)


@pytest.mark.parametrize(
    "change",
    [
        resources(resourceCpuRequest="500m", resourceCpuLimit="0.5"),
        resources(resourceMemoryRequest="1e9", resourceMemoryLimit="1Gi"),
        resources(resourceCpuLimit="{{$.inputs.parameters['word']}}"),
        resources(accelerator={"resourceType": "nvidia.com/gpu", "resourceCount": "2"}),
        container(args=["{{$}}", "{{$.inputs.parameters['word']}}"]),
        import_from("s3://bucket/data"),
    ],
)
def test_a_whole_container_is_none(change: Change) -> None:
    assert check_kfp(change) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", "2"),
        ("500m", "0.5"),
        ("1.5Gi", str(1.5 * 1024**3)),
        ("2k", "2000"),
        (".5", "0.5"),
        ("1E3", "1000"),
        ("1E", "1000000000000000000"),
        ("1e-3", "0.001"),
        ("100n", "0.0000001"),
    ],
)
def test_quantities_are_read_as_kubernetes_does(text: str, number: str) -> None:
    assert read_quantity(text) == decimal.Decimal(number)


@pytest.mark.parametrize("text", ["", "Gi", "2 Gi", "2GB", "2gi", "-1", "1,5", "m", "0x10", "٢"])
def test_other_texts_are_no_quantities(text: str) -> None:
    assert read_quantity(text) is None
