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
    "a selector that is none": (
        word({"componentInputParameter": "n", "parameterExpressionSelector": "parseJson(string_value)['a'"}),
        "runtime-value",
        f"{USE}.inputs.parameters.word",
        "selector failed",
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
        word({"componentInputParameter": "n", "parameterExpressionSelector": "parseJson(string_value)['a']"}),
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


def test_components_with_equal_containers_must_be_equal() -> None:
    """KFP keeps one definition for both, under the hash of the container."""

    def change(package: list[Json]) -> None:
        executors(package)["exec-make"]["container"]["args"] = []
        executors(package)["exec-use"]["container"]["args"] = []

    violations = check_kfp(change)
    assert_broken(violations, "shared-container", "components[comp-use]", "of the other")
