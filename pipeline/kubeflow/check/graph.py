"""Rules of the graph: what tasks are called, what they run, and what they wait for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pipeline.kubeflow.check.pipeline_view import ROOT, Dag, PipelineView, Task
from pipeline.kubeflow.check.violation import Violation, accepted, broken, refused_run

DRIVER_SUFFIX = "-driver"
MAX_TASK_LETTERS = 128 - len(DRIVER_SUFFIX)
"""Argo takes names of 128 letters, and KFP adds a driver to each task."""
_TASK_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
"""Source: workflowFieldNameFmt and validateDAG in Argo's workflow/validate/validate.go."""
_FALSE_SUFFIX = "_task"
"""TFX adds it to the producer of a dynamic execution property."""


def check_names(view: PipelineView) -> Iterator[Violation]:
    """Names that Argo takes for a task and for its driver."""
    for task in view.tasks():
        yield from _check_name(task)
        if f"{task.name}{DRIVER_SUFFIX}" in task.dag.tasks:
            other = f"{task.name}{DRIVER_SUFFIX}"
            how = f"must not be called as the driver of another task, got {other!r}; rename one"
            said = refused_run(f"'{other}' is not unique")
            yield broken("task-name", f"{task.dag.place}.dag.tasks[{other}]", how, said)


def _check_name(task: Task) -> Iterator[Violation]:
    if not _TASK_NAME.fullmatch(task.name):
        how = f"must be called by letters, digits and '-', a letter first, got {task.name!r}; use with_id"
        first = re.split(r"[^-a-zA-Z0-9]", task.name)[0]
        said = refused_run(f"sorting failed: invalid dependency {first}")
        yield broken("task-name", task.place, how, said)
    if len(task.name) > MAX_TASK_LETTERS:
        how = f"must have a name of at most {MAX_TASK_LETTERS} letters, got {len(task.name)}; shorten it"
        said = refused_run(f"'{task.name}{DRIVER_SUFFIX}' is invalid: must be no more than 128 characters")
        yield broken("task-name", task.place, how, said)


def check_components(view: PipelineView) -> Iterator[Violation]:
    """Each task runs a component that is there, and that KFP can run."""
    if ROOT in view.components:
        how = f"must not be called {ROOT}, got a component of that name; rename it"
        yield broken(
            "component", f"components[{ROOT}]", how, refused_run('component name "root" is reserved')
        )
    for task in view.tasks():
        name = task.component_name
        if name not in view.components:
            how = f"must be a component of the spec, got {name!r}; compile it again"
            said = refused_run(f'cannot find component ref name="{name}"')
            yield broken("component", f"{task.place}.componentRef.name", how, said)
        elif "dag" in task.component:
            yield from _check_dag_component(view, task)
        else:
            yield from _check_executor(view, task)


def _check_dag_component(view: PipelineView, task: Task) -> Iterator[Violation]:
    place = f"components[{task.component_name}]"
    if not re.fullmatch(r"[a-zA-Z0-9][-a-zA-Z0-9]*", task.component_name):
        how = f"must be called by letters, digits and '-', got {task.component_name!r}; rename the DAG"
        yield broken("component", place, how, refused_run("templates.name is invalid"))
    if _contains_itself(view, task.component_name):
        how = f"must not contain itself, got {task.component_name!r} below it; take that task out"
        yield broken("component", place, how, refused_run("circular component reference detected"))


def _contains_itself(view: PipelineView, name: str) -> bool:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        for task in view.tasks_of(Dag(name, view.components.get(waiting.pop(), {}))):
            if task.component_name == name:
                return True
            if task.component_name not in seen:
                seen.add(task.component_name)
                waiting.append(task.component_name)
    return False


def _check_executor(view: PipelineView, task: Task) -> Iterator[Violation]:
    label = task.component.get("executorLabel", "")
    place = f"components[{task.component_name}].executorLabel"
    if label not in view.executors:
        how = f"must be an executor of the deployment, got {label!r}; compile it again"
        said = refused_run(f'executor(label="{label}") not found in deployment config')
        yield broken("executor", place, how, said)
    elif not {"container", "importer"} & set(view.executors[label]):
        kind = next(iter(view.executors[label]), "nothing")
        how = f"must run a container or an importer, got {kind}; use a component that looks things up itself"
        said = refused_run(
            f'executor(label="{label}"): non-container and non-importer executor not implemented'
        )
        yield broken("executor", place, how, said)


def check_dependencies(view: PipelineView) -> Iterator[Violation]:
    """Tasks wait for tasks of their own DAG, and not for themselves."""
    for dag in view.dags():
        tasks = {task.name: task for task in view.tasks_of(dag)}
        waits = {name: _waits_for(task) & set(tasks) for name, task in tasks.items()}
        for task in tasks.values():
            yield from _check_waits(task, tasks)
        if loop := _tasks_in_cycles(waits):
            how = f"must have no cycle, got one among {', '.join(loop)}; take one dependency out"
            said = refused_run("sorting failed: graph with cycle")
            yield broken("cycle", f"{dag.place}.dag.tasks", how, said)
        yield from _check_exit_tasks(dag, tasks)


def _waits_for(task: Task) -> set[str]:
    return {*task.spec.get("dependentTasks", ()), *task.producers}


def _check_waits(task: Task, tasks: dict[str, Task]) -> Iterator[Violation]:
    for name in sorted(task.producers - set(tasks)):
        stem = name.removesuffix(_FALSE_SUFFIX)
        mend = f"did you mean {stem}?" if stem in tasks else "correct producerTask"
        how = f"must take from tasks of the same DAG, got {name!r}; {mend}"
        said = refused_run(f'failed to add implicit deps: unknown producer task "{name}" in DAG')
        yield broken("producer", f"{task.place}.inputs", how, said)
    for name in sorted(set(task.spec.get("dependentTasks", ())) - task.producers):
        if name not in tasks or (tasks[name].is_exit and not task.is_exit):
            how = (
                f"must wait for tasks of the same DAG that are no exit tasks, got {name!r}; correct the name"
            )
            said = refused_run(f"sorting failed: invalid dependency {name}")
            yield broken("dependency", f"{task.place}.dependentTasks", how, said)


def _tasks_in_cycles(waits: dict[str, set[str]]) -> list[str]:
    """Takes away what waits for nothing, again and again; what is left is in a cycle or behind one."""
    left = dict(waits)
    while free := [name for name, before in left.items() if not before & set(left)]:
        for name in free:
            del left[name]
    return sorted(left)


def _check_exit_tasks(dag: Dag, tasks: dict[str, Task]) -> Iterator[Violation]:
    exits = [task for task in tasks.values() if task.is_exit]
    if exits and len(exits) == len(tasks):
        how = "must hold a task that is no exit task, got exit tasks only; add what they wait for"
        said = refused_run("must contain one or more non-exit tasks")
        yield broken("exit-task", f"{dag.place}.dag.tasks", how, said)
    hooks: dict[str, str] = {}
    for task in exits:
        if not _waits_for(task):
            how = "must wait for a task, got an exit task that waits for none; name what it follows"
            yield broken("exit-task", task.place, how, accepted("it never runs"))
        for name in sorted(_waits_for(task)):
            if name in hooks:
                how = f"must be the only exit task of {name!r}, got {hooks[name]!r} as well; join them"
                yield broken("exit-task", task.place, how, accepted(f"{hooks[name]} never runs"))
            hooks[name] = task.name


def check_shared_containers(view: PipelineView) -> Iterator[Violation]:
    """Components whose containers are equal share one definition in the workflow, the first one.

    Source: hashComponentContainer in KFP's backend/src/v2/compiler/argocompiler/argo.go.
    """
    first: dict[str, Task] = {}
    for task in sorted(view.tasks(), key=lambda task: task.component_name):
        container = view.executors.get(task.component.get("executorLabel", ""), {}).get("container")
        if container is None:
            continue
        other = first.setdefault(json.dumps(container, sort_keys=True), task)
        fields = ("inputDefinitions", "outputDefinitions")
        if any(task.component.get(field) != other.component.get(field) for field in fields):
            how = f"must have a container of its own, got that of {other.component_name}; add an argument"
            said = accepted("one of the two runs with the inputs and outputs of the other")
            yield broken("shared-container", f"components[{task.component_name}]", how, said)
