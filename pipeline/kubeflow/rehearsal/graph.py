"""The order of a compiled pipeline's tasks, and what each one takes from the others."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.package import Json, Package, PackageError

COMPLETED_STRATEGY = "ALL_UPSTREAM_TASKS_COMPLETED"
"""Such a task runs however those before it ended."""
CONTAINER = "container"
IMPORTER = "importer"
_KNOWN_SOURCES = {"componentInputParameter", "taskOutputParameter", "runtimeValue", "taskOutputArtifact"}


def order_tasks(package: Package) -> list[str]:
    """Names of the tasks, each after those that it waits for; as they stand in the package otherwise.

    Raises:
      PackageError: a task is not there, waits for itself, or is of a kind that a rehearsal does not know.
    """
    tasks = package.spec["root"]["dag"]["tasks"]
    for name, task in tasks.items():
        _require_known(package, name, task)
    waiting = {name: upstream_of(task) for name, task in tasks.items()}
    for name, upstream in waiting.items():
        if missing := sorted(set(upstream) - set(tasks)):
            raise PackageError(
                f"task {name} must wait for tasks that are there, got {missing[0]}; compile again"
            )
    try:
        return list(graphlib.TopologicalSorter(waiting).static_order())
    except graphlib.CycleError as error:
        raise PackageError(
            f"the tasks must not wait for each other, got {' -> '.join(error.args[1])}; compile again"
        ) from error


def upstream_of(task: Mapping[str, Any]) -> list[str]:
    """Names of the tasks that a task waits for, in order, without repetition."""
    sources = _sources(task)
    outputs = [source.get("taskOutputArtifact") or source.get("taskOutputParameter") for source in sources]
    producers = [output["producerTask"] for output in outputs if output]
    return list(dict.fromkeys([*task.get("dependentTasks", []), *producers]))


def runs_regardless(task: Mapping[str, Any]) -> bool:
    """Whether a task runs however those before it ended."""
    return bool(task.get("triggerPolicy", {}).get("strategy") == COMPLETED_STRATEGY)


def find_task(package: Package, name: str) -> Json:
    """PipelineTaskSpec of a task."""
    task: Json = package.spec["root"]["dag"]["tasks"][name]
    return task


def find_component(package: Package, name: str) -> Json:
    """ComponentSpec of a task."""
    component: Json = package.spec["components"][find_task(package, name)["componentRef"]["name"]]
    return component


def find_executor(package: Package, name: str) -> Json:
    """ExecutorSpec of a task; empty where it is a pipeline of its own."""
    label = find_component(package, name).get("executorLabel")
    executor: Json = package.spec["deploymentSpec"]["executors"].get(label, {})
    return executor


def find_pod(package: Package, name: str) -> Json:
    """What the platform document says of a task; empty where it says nothing."""
    kubernetes = package.platform.get("platforms", {}).get("kubernetes", {})
    executors = kubernetes.get("deploymentSpec", {}).get("executors", {})
    pod: Json = executors.get(find_component(package, name).get("executorLabel"), {})
    return pod


def _sources(task: Mapping[str, Any]) -> list[Json]:
    inputs = task.get("inputs", {})
    return [*inputs.get("artifacts", {}).values(), *inputs.get("parameters", {}).values()]


def _require_known(package: Package, name: str, task: Mapping[str, Any]) -> None:
    executor = find_executor(package, name)
    if not {CONTAINER, IMPORTER} & set(executor):
        raise PackageError(
            f"task {name} must run a container or import an artifact to be rehearsed, "
            f"got {', '.join(executor) or 'a pipeline of its own'}; rehearse that by itself"
        )
    if loops := {"parameterIterator", "artifactIterator"} & set(task):
        raise PackageError(f"task {name} must run once to be rehearsed, got a {loops.pop()}; unroll the loop")
    for source in _sources(task):
        if unknown := set(source) - _KNOWN_SOURCES:
            raise PackageError(
                f"task {name} must take constants, parameters of the pipeline and outputs of tasks to be "
                f"rehearsed, got {unknown.pop()}; take the value another way"
            )
