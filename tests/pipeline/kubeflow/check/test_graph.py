"""What tasks are called, what they run, and what they wait for."""

from __future__ import annotations

import pytest

from pipeline.kubeflow.package import Json
from tests.pipeline.kubeflow.check.two_tasks import Change, assert_broken, check_kfp, components, tasks
from tests.pipeline.kubeflow.check.variations import rename_task

DAG = "root.dag.tasks"
EXIT = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}


def rename_component(new: str) -> Change:
    """Calls the component of `make` otherwise."""

    def change(package: list[Json]) -> None:
        components(package)[new] = components(package).pop("comp-make")
        tasks(package)["make"]["componentRef"]["name"] = new

    return change


def contain_itself(package: list[Json]) -> None:
    components(package)["comp-use"] = {"dag": {"tasks": {"again": {"componentRef": {"name": "comp-use"}}}}}
    tasks(package)["use"] = {"componentRef": {"name": "comp-use"}}
    del package[1]


def misname_dag(package: list[Json]) -> None:
    components(package)["_tfx_dag"] = {"dag": {"tasks": {"make": tasks(package).pop("make")}}}
    components(package)["_tfx_dag"]["inputDefinitions"] = package[0]["root"]["inputDefinitions"]
    tasks(package)["use"] = {"componentRef": {"name": "_tfx_dag"}}
    del package[1]


def add_exit(*names: str, **task: object) -> Change:
    """Adds exit tasks that run the component of `make`."""

    def change(package: list[Json]) -> None:
        for name in names:
            make = tasks(package)["make"]
            tasks(package)[name] = {**make, "triggerPolicy": EXIT, **task}

    return change


def wait_for_exit(package: list[Json]) -> None:
    add_exit("clean", dependentTasks=["make"])(package)
    tasks(package)["use"]["dependentTasks"] = ["clean"]


def exits_only(package: list[Json]) -> None:
    tasks(package)["make"]["triggerPolicy"] = EXIT
    tasks(package)["use"]["triggerPolicy"] = EXIT
    tasks(package)["make"]["dependentTasks"] = ["make"]


BROKEN = {
    "a digit first": (rename_task("1st"), "task-name", f"{DAG}[1st]", "refuses the run"),
    "122 letters": (
        rename_task("a" * 122),
        "task-name",
        f"{DAG}[{'a' * 122}]",
        "no more than 128 characters",
    ),
    "a driver's name": (
        add_exit("use-driver", dependentTasks=["make"]),
        "task-name",
        f"{DAG}[use-driver]",
        "is not unique",
    ),
    "a component called root": (rename_component("root"), "component", "components[root]", "is reserved"),
    "a DAG in itself": (contain_itself, "component", "components[comp-use]", "circular component reference"),
    "a DAG with TFX's name": (misname_dag, "component", "components[_tfx_dag]", "templates.name"),
    "an exit task that waits for none": (
        add_exit("clean", dependentTasks=[]),
        "exit-task",
        f"{DAG}[clean]",
        "it never runs",
    ),
    "two exit tasks of one task": (
        add_exit("clean", "report", dependentTasks=["make"]),
        "exit-task",
        f"{DAG}[report]",
        "clean never runs",
    ),
    "a task that waits for an exit task": (
        wait_for_exit,
        "dependency",
        f"{DAG}[use].dependentTasks",
        "invalid dependency clean",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_graph_is_found(name: str) -> None:
    change, rule, place, consequence = BROKEN[name]
    assert_broken(check_kfp(change), rule, place, consequence)


@pytest.mark.parametrize(
    "change",
    [
        rename_task("a" * 121),
        rename_task("a-"),
        rename_component("comp_make.2"),
        add_exit("clean", dependentTasks=["make"]),
        lambda package: components(package).update(unused={"executorLabel": "nope"}),
    ],
)
def test_a_whole_graph_is_none(change: Change) -> None:
    assert check_kfp(change) == []


def test_a_dag_needs_more_than_exit_tasks() -> None:
    assert ("exit-task", DAG) in {(v.rule, v.place) for v in check_kfp(exits_only)}


def test_only_tasks_in_or_behind_a_cycle_are_named() -> None:
    def change(package: list[Json]) -> None:
        add_exit("clean", dependentTasks=["clean"])(package)

    [violation] = check_kfp(change)
    assert (violation.rule, violation.place) == ("cycle", DAG)
    assert "got one among clean;" in violation.message


def test_a_package_without_tasks_is_refused() -> None:
    def change(package: list[Json]) -> None:
        package[0]["root"] = {"dag": {}}
        del package[1]

    assert_broken(check_kfp(change), "component", "root", "unknown template format")
