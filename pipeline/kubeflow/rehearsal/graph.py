"""The order of a compiled pipeline's tasks, and what each one takes from the others."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.package import Json, Package, PackageError

COMPLETED_STRATEGY = "ALL_UPSTREAM_TASKS_COMPLETED"
"""Such a task runs however those before it ended."""


def order_tasks(package: Package) -> list[str]:
    """Names of the tasks, each after those that it waits for; as they stand in the package otherwise.

    Raises:
      PackageError: a task is not there, waits for itself, or is a pipeline of its own.
    """
    tasks = package.spec["root"]["dag"]["tasks"]
    for name in tasks:
        find_container(package, name)
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
    inputs = task.get("inputs", {})
    sources = [source.get("taskOutputArtifact") for source in inputs.get("artifacts", {}).values()]
    sources += [source.get("taskOutputParameter") for source in inputs.get("parameters", {}).values()]
    producers = [source["producerTask"] for source in sources if source]
    return list(dict.fromkeys([*task.get("dependentTasks", []), *producers]))


def find_component(package: Package, task: str) -> Json:
    """ComponentSpec of a task."""
    name = package.spec["root"]["dag"]["tasks"][task]["componentRef"]["name"]
    component: Json = package.spec["components"][name]
    return component


def find_container(package: Package, task: str) -> Json:
    """PipelineContainerSpec of a task.

    Raises:
      PackageError: the task runs no container.
    """
    label = find_component(package, task).get("executorLabel")
    executor = package.spec["deploymentSpec"]["executors"].get(label, {})
    if "container" not in executor:
        found = ", ".join(executor) or "a pipeline of its own"
        raise PackageError(
            f"task {task} must run a container to be rehearsed, got {found}; rehearse that by itself"
        )
    container: Json = executor["container"]
    return container


def find_pod(package: Package, task: str) -> Json:
    """What the platform document says of a task; empty where it says nothing."""
    kubernetes = package.platform.get("platforms", {}).get("kubernetes", {})
    executors = kubernetes.get("deploymentSpec", {}).get("executors", {})
    pod: Json = executors.get(find_component(package, task)["executorLabel"], {})
    return pod
