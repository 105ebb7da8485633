"""The variations of the two-task package that tests/fixtures/kfp_verdicts.txt speaks of."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.package import Json
from tests.pipeline.kubeflow.check.two_tasks import Change, components, executors, pods, tasks


@dataclasses.dataclass(frozen=True)
class Variation:
    """A row: what is changed, and the rule that it breaks; none where it is sound."""

    change: Change
    rule: str = ""
    arguments: Mapping[str, Any] | None = None


def _leave(package: list[Json]) -> None:
    """Changes nothing."""


def _name(name: str) -> Change:
    return lambda package: package[0]["pipelineInfo"].update(name=name)


def rename_task(name: str) -> Change:
    def change(package: list[Json]) -> None:
        tasks(package)[name] = tasks(package).pop("make")
        tasks(package)[name]["taskInfo"]["name"] = name
        tasks(package)["use"]["dependentTasks"] = [name]
        tasks(package)["use"]["inputs"]["artifacts"]["data"]["taskOutputArtifact"]["producerTask"] = name

    return change


def _require_parameter(package: list[Json]) -> None:
    package[0]["root"]["inputDefinitions"]["parameters"]["n"] = {"parameterType": "NUMBER_INTEGER"}


def _set(field: str, value: Any) -> Change:
    """Sets a field of what the task `use` takes from `make`."""
    return lambda package: tasks(package)["use"]["inputs"]["artifacts"]["data"]["taskOutputArtifact"].update(
        {field: value}
    )


def _make_cycle(package: list[Json]) -> None:
    tasks(package)["make"]["dependentTasks"] = ["use"]


def _set_type(package: list[Json]) -> None:
    components(package)["comp-make"]["inputDefinitions"]["parameters"]["n"]["parameterType"] = "STRING"


VARIATIONS = {
    "as is": Variation(_leave),
    "schema 2.0.0": Variation(lambda package: package[0].update(schemaVersion="2.0.0"), "schema-version"),
    'name "Bad Name_X"': Variation(_name("Bad Name_X"), "pipeline-name"),
    'name "___"': Variation(_name("___"), "pipeline-name"),
    "unknown field in spec": Variation(lambda package: package[0].update(foo=1), "schema"),
    "typo in platform doc": Variation(
        lambda package: pods(package)["exec-use"].update(pvcMountX=pods(package)["exec-use"].pop("pvcMount")),
        "schema",
    ),
    "typo inside pvcMount": Variation(
        lambda package: pods(package)["exec-use"]["pvcMount"][0].update(foo="bar"), "schema"
    ),
    "unknown executor label in platform doc": Variation(
        lambda package: pods(package).update({"exec-zz": {"imagePullPolicy": "Always"}}), "platform-label"
    ),
    "two platform docs": Variation(lambda package: package.append(copy.deepcopy(package[1])), "documents"),
    "two pipeline specs": Variation(lambda package: package.append(copy.deepcopy(package[0])), "documents"),
    "a third, foreign document": Variation(
        lambda package: package.append({"apiVersion": "v1", "kind": "ConfigMap"}), "documents"
    ),
    "unknown dependent task": Variation(
        lambda package: tasks(package)["use"]["dependentTasks"].append("nope"), "dependency"
    ),
    'producer "make_task"': Variation(_set("producerTask", "make_task"), "producer"),
    "task name show_text": Variation(rename_task("show_text"), "task-name"),
    "task name ShowText": Variation(rename_task("ShowText")),
    "param without default, not given": Variation(_require_parameter, "argument", {}),
    "param without default, given": Variation(_require_parameter, "", {"n": 3}),
    "param given as string": Variation(_leave, "argument", {"n": "3"}),
    "unknown param": Variation(_leave, "argument", {"zz": 1}),
    "componentInputParameter not in DAG": Variation(
        lambda package: tasks(package)["make"]["inputs"]["parameters"]["n"].update(
            componentInputParameter="nope"
        ),
        "dag-input",
    ),
    "output artifact key that is not there": Variation(_set("outputArtifactKey", "nope"), "output-key"),
    "resolver executor": Variation(
        lambda package: executors(package).update({"exec-use": {"resolver": {}}}), "executor"
    ),
    "lifecycle.preCacheCheck": Variation(
        lambda package: executors(package)["exec-use"]["container"].update(
            lifecycle={"preCacheCheck": {"command": ["true"]}}
        ),
        "lifecycle",
    ),
    "executor label without executor": Variation(
        lambda package: components(package)["comp-use"].update(executorLabel="exec-zz"), "executor"
    ),
    "component that is not there": Variation(
        lambda package: tasks(package)["use"]["componentRef"].update(name="comp-zz"), "component"
    ),
    "a cycle": Variation(_make_cycle, "cycle"),
    "broken CEL condition": Variation(
        lambda package: tasks(package)["use"].update(triggerPolicy={"condition": "inputs.((== 'x'"}),
        "condition",
    ),
    "task name of 129 letters": Variation(rename_task("a" * 129), "task-name"),
    "type mismatch with the DAG": Variation(_set_type, "parameter-type"),
    "cpu/mem/accelerator (old numbers)": Variation(
        lambda package: executors(package)["exec-use"]["container"].update(
            resources={
                "cpuLimit": 2.0,
                "memoryLimit": 4.0,
                "accelerator": {"type": "nvidia.com/gpu", "count": 1},
            }
        )
    ),
    "only platform document": Variation(lambda package: package.pop(0), "documents"),
    "only the spec": Variation(lambda package: package.pop(1)),
}
"""Row of the file -> how the package is changed, and what the check must say."""
