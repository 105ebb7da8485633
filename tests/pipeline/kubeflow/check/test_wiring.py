"""Each input of a task comes from where there is such an output or parameter."""

from __future__ import annotations

import pytest

from pipeline.kubeflow.package import Json
from tests.pipeline.kubeflow.check.two_tasks import (
    Change,
    assert_broken,
    check_kfp,
    components,
    executors,
    tasks,
)

MAKE = "root.dag.tasks[make]"
USE = "root.dag.tasks[use]"
NUMBER = {"parameterType": "NUMBER_INTEGER"}


def word(source: Json) -> Change:
    """Gives the task `use` its word from elsewhere."""
    return lambda package: tasks(package)["use"]["inputs"]["parameters"].update(word=source)


def constant(value: object) -> Change:
    return word({"runtimeValue": {"constant": value}})


def with_type(parameter_type: str, value: object) -> Change:
    """A constant for a parameter of that type."""

    def change(package: list[Json]) -> None:
        parameters = components(package)["comp-use"]["inputDefinitions"]["parameters"]
        parameters["word"]["parameterType"] = parameter_type
        constant(value)(package)

    return change


def take(key: str) -> Change:
    """Takes an output parameter of `make`."""
    return word({"taskOutputParameter": {"producerTask": "make", "outputParameterKey": key}})


def drop_input(package: list[Json]) -> None:
    del tasks(package)["use"]["inputs"]["artifacts"]["data"]


def add_input(package: list[Json]) -> None:
    tasks(package)["use"]["inputs"]["parameters"]["wrod"] = {"runtimeValue": {"constant": "hello"}}


def take_root_artifact(package: list[Json]) -> None:
    tasks(package)["use"]["inputs"]["artifacts"]["data"] = {"componentInputArtifact": "nope"}


def declare_root_artifact(package: list[Json]) -> None:
    package[0]["root"]["inputDefinitions"]["artifacts"] = {"data": {"isOptional": True}}


def forget_type(package: list[Json]) -> None:
    package[0]["root"]["inputDefinitions"]["parameters"]["m"] = {"isOptional": True}


def add_default(value: object) -> Change:
    return lambda package: package[0]["root"]["inputDefinitions"]["parameters"]["n"].update(
        defaultValue=value
    )


BROKEN = {
    "a missing artifact": (
        drop_input,
        "missing-input",
        f"{USE}.inputs.artifacts",
        "neither value nor default",
    ),
    "an unknown parameter": (add_input, "undeclared-input", f"{USE}.inputs.parameters.wrod", "does not know"),
    "an artifact of the root": (
        take_root_artifact,
        "dag-input",
        f"{USE}.inputs.artifacts.data",
        "parent DAG does not have input artifact nope",
    ),
    "an artifact given to a run": (
        declare_root_artifact,
        "dag-input",
        "root.inputDefinitions.artifacts",
        "cannot be given",
    ),
    "an output parameter that is not there": (
        take("nope"),
        "output-key",
        f"{USE}.inputs.parameters.word",
        "no such output",
    ),
    "a number for a text": (take("count"), "parameter-type", f"{USE}.inputs.parameters.word", "text of JSON"),
    "a constant number for a text": (
        constant(3),
        "parameter-type",
        f"{USE}.inputs.parameters.word",
        "text of JSON",
    ),
    "a constant text for a number": (
        with_type("NUMBER_INTEGER", "3"),
        "parameter-type",
        f"{USE}.inputs.parameters.word",
        "type mismatch: expect NUMBER_INTEGER, got a text",
    ),
    "decimals for an integer": (
        with_type("NUMBER_INTEGER", 2.5),
        "parameter-type",
        f"{USE}.inputs.parameters.word",
        "a number with decimals",
    ),
    "a boolean for an integer": (
        with_type("NUMBER_INTEGER", True),
        "parameter-type",
        f"{USE}.inputs.parameters.word",
        "got a boolean",
    ),
    "a run-time parameter of old": (
        word({"runtimeValue": {"runtimeParameter": "n"}}),
        "runtime-value",
        f"{USE}.inputs.parameters.word",
        "not implemented",
    ),
    "no source at all": (word({}), "runtime-value", f"{USE}.inputs.parameters.word", "not implemented"),
    "a channel that is not there": (
        constant("{{$.inputs.parameters['pipelinechannel--x']}}"),
        "runtime-value",
        f"{USE}.inputs.parameters.word",
        "pipeline channel not found",
    ),
    "the status of no task": (
        word({"taskFinalStatus": {"producerTask": "nope"}}),
        "producer",
        f"{USE}.inputs.parameters.word",
        "not found",
    ),
    "a parameter without type": (
        forget_type,
        "parameter-type",
        "root.inputDefinitions.parameters.m",
        "unspecified type",
    ),
    "a default of another type": (
        add_default("3"),
        "parameter-type",
        "root.inputDefinitions.parameters.n.defaultValue",
        "expect NUMBER_INTEGER",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_wire_is_found(name: str) -> None:
    change, rule, place, consequence = BROKEN[name]
    violations = [v for v in check_kfp(change) if (v.rule, v.place) == (rule, place)]
    assert_broken(violations, rule, place, consequence)
    others = {violation.rule for violation in check_kfp(change)} - {rule}
    assert others <= ({"parameter-type"} if name == "the status of no task" else set())


@pytest.mark.parametrize(
    "change",
    [
        constant(""),
        constant("{{$.pipeline_job_name}}"),
        with_type("NUMBER_DOUBLE", 2),
        with_type("NUMBER_INTEGER", 2.0),
        with_type("BOOLEAN", False),
        with_type("LIST", [1]),
        with_type("STRUCT", {"a": 1}),
        with_type("NUMBER_INTEGER", "{{$.inputs.parameters['word']}}"),
    ],
)
def test_a_whole_wire_is_none(change: Change) -> None:
    assert check_kfp(change) == []


def test_an_optional_input_may_be_missing() -> None:
    def change(package: list[Json]) -> None:
        drop_input(package)
        components(package)["comp-use"]["inputDefinitions"]["artifacts"]["data"]["isOptional"] = True

    assert check_kfp(change) == []


def test_a_false_task_suffix_is_named() -> None:
    [violation] = check_kfp(
        word({"taskOutputParameter": {"producerTask": "make_task", "outputParameterKey": "count"}})
    )
    assert violation.rule == "producer"
    assert violation.message.endswith("did you mean make?")


# --- DAGs within the DAG ------------------------------------------------------------------------


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


def test_components_with_equal_containers_must_be_equal() -> None:
    """KFP keeps one definition for both, under the hash of the container."""

    def change(package: list[Json]) -> None:
        executors(package)["exec-make"]["container"]["args"] = []
        executors(package)["exec-use"]["container"]["args"] = []

    violations = check_kfp(change)
    assert_broken(violations, "shared-container", "components[comp-use]", "of the other")
