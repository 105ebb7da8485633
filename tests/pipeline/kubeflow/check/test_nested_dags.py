"""The rules hold in DAGs within the DAG, and for what goes in and out of them."""

from __future__ import annotations

import pytest

from pipeline.kubeflow.package import Json
from tests.pipeline.kubeflow.check.two_tasks import Change, assert_broken, check_kfp, tasks

NUMBER = {"parameterType": "NUMBER_INTEGER"}


def nest(package: list[Json]) -> None:
    """Moves both tasks into a DAG of its own, as TFX and kfp do for an exit handler."""
    package[0]["components"]["comp-inner"] = {
        "inputDefinitions": {"parameters": {"n": NUMBER}},
        "outputDefinitions": {"artifacts": {"out": {"artifactType": {"schemaTitle": "system.Dataset"}}}},
        "dag": {
            "tasks": package[0]["root"]["dag"]["tasks"],
            "outputs": {
                "artifacts": {
                    "out": {"artifactSelectors": [{"producerSubtask": "make", "outputArtifactKey": "data"}]}
                }
            },
        },
    }
    package[0]["root"]["dag"] = {
        "tasks": {
            "inner": {
                "taskInfo": {"name": "inner"},
                "componentRef": {"name": "comp-inner"},
                "inputs": {"parameters": {"n": {"componentInputParameter": "n"}}},
            }
        }
    }


def inner(package: list[Json]) -> Json:
    return package[0]["components"]["comp-inner"]


def lose_parameters(package: list[Json]) -> None:
    """What TFX's compiler does with run-time parameters when there is an exit handler."""
    nest(package)
    del inner(package)["inputDefinitions"]
    del tasks(package)["inner"]["inputs"]


def select(task: str, key: str) -> Change:
    def change(package: list[Json]) -> None:
        nest(package)
        outputs = inner(package)["dag"]["outputs"]["artifacts"]["out"]["artifactSelectors"]
        outputs[0] = {"producerSubtask": task, "outputArtifactKey": key}

    return change


def hide_output(package: list[Json]) -> None:
    nest(package)
    del inner(package)["outputDefinitions"]


def starve(package: list[Json]) -> None:
    nest(package)
    del tasks(package)["inner"]["inputs"]


INNER = "components[comp-inner].dag"
BROKEN_NESTS = {
    "parameters lost behind an exit handler": (
        lose_parameters,
        "dag-input",
        f"{INNER}.tasks[make].inputs.parameters.n",
    ),
    "an output of no task": (select("nope", "data"), "dag-output", f"{INNER}.outputs.artifacts.out"),
    "an output that the task has not": (
        select("make", "nope"),
        "dag-output",
        f"{INNER}.outputs.artifacts.out",
    ),
    "an output that is not declared": (hide_output, "dag-output", f"{INNER}.outputs.artifacts.out"),
    "a DAG without what it needs": (starve, "missing-input", "root.dag.tasks[inner].inputs.parameters"),
}


def test_a_whole_nest_is_none() -> None:
    assert check_kfp(nest) == []


@pytest.mark.parametrize("name", BROKEN_NESTS)
def test_a_broken_nest_is_found(name: str) -> None:
    change, rule, place = BROKEN_NESTS[name]
    assert_broken(check_kfp(change), rule, place, "KFP accepts it; ")


def test_a_loop_brings_its_item_and_needs_its_items() -> None:
    def change(package: list[Json]) -> None:
        nest(package)
        task = tasks(package)["inner"]
        task["inputs"] = {"parameters": {"items": {"runtimeValue": {"constant": [1, 2]}}}}
        inner(package)["inputDefinitions"]["parameters"]["items"] = {"parameterType": "LIST"}
        task["parameterIterator"] = {"itemInput": "n", "items": {"inputParameter": "items"}}

    def misspell(package: list[Json]) -> None:
        change(package)
        tasks(package)["inner"]["parameterIterator"]["items"]["inputParameter"] = "itmes"

    assert check_kfp(change) == []
    assert_broken(check_kfp(misspell), "iterator", "root.dag.tasks[inner].parameterIterator")
