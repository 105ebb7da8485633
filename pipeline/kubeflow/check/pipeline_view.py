"""A pipeline spec as its rules see it: DAGs, their tasks, and the components and executors behind them.

All of it is JSON in the one form that protobuf prints: camelCase names, no fields that are unset.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.kubeflow.package import Json

ROOT = "root"
EXIT_STRATEGY = "ALL_UPSTREAM_TASKS_COMPLETED"


@dataclasses.dataclass(frozen=True)
class Dag:
    """The root, or a component that is made of tasks.

    Attributes:
      place: root, or components[name].
      component: ComponentSpec as JSON.
    """

    place: str
    component: Json

    @property
    def tasks(self) -> dict[str, Json]:
        """Name -> PipelineTaskSpec."""
        return dig(self.component, "dag", "tasks")


@dataclasses.dataclass(frozen=True)
class Task:
    """A task, with what it runs.

    Attributes:
      name: its key in the DAG.
      spec: PipelineTaskSpec as JSON.
      dag: where it is.
      component: ComponentSpec that it refers to; empty where there is none.
    """

    name: str
    spec: Json
    dag: Dag
    component: Json

    @property
    def place(self) -> str:
        return f"{self.dag.place}.dag.tasks[{self.name}]"

    @property
    def component_name(self) -> str:
        return str(dig(self.spec, "componentRef").get("name", ""))

    @property
    def is_exit(self) -> bool:
        """Runs when what it depends on has ended, well or not."""
        return dig(self.spec, "triggerPolicy").get("strategy") == EXIT_STRATEGY

    @property
    def producers(self) -> set[str]:
        """Tasks whose outputs it takes."""
        inputs = dig(self.spec, "inputs")
        artifacts = [dig(entry, "taskOutputArtifact") for entry in dig(inputs, "artifacts").values()]
        parameters = [dig(entry, "taskOutputParameter") for entry in dig(inputs, "parameters").values()]
        return {producer["producerTask"] for producer in artifacts + parameters if "producerTask" in producer}


@dataclasses.dataclass(frozen=True)
class PipelineView:
    """A package in one form.

    Attributes:
      spec: PipelineSpec as JSON.
      executors: label -> ExecutorSpec as JSON.
      pods: label -> KubernetesExecutorConfig as JSON, of the platform document.
      arguments: values given for this run; None where there is no run yet.
      pipeline_root: given for this run; None for the cluster's default.
    """

    spec: Json
    executors: Json
    pods: Json = dataclasses.field(default_factory=dict)
    arguments: Mapping[str, Any] | None = None
    pipeline_root: str | None = None

    @property
    def components(self) -> dict[str, Json]:
        return dig(self.spec, "components")

    def dags(self) -> Iterator[Dag]:
        """The root and every DAG below it, each once."""
        seen = {ROOT}
        waiting = [Dag(ROOT, dig(self.spec, ROOT))]
        while waiting:
            dag = waiting.pop(0)
            yield dag
            for task in self.tasks_of(dag):
                if task.component_name not in seen and "dag" in task.component:
                    waiting.append(Dag(f"components[{task.component_name}]", task.component))
                seen.add(task.component_name)

    def tasks_of(self, dag: Dag) -> list[Task]:
        """The tasks of one DAG, by name."""
        named = ((dig(spec, "componentRef").get("name", ""), name, spec) for name, spec in dag.tasks.items())
        return [
            Task(name, spec, dag, self.components.get(component, {}))
            for component, name, spec in sorted(named, key=lambda entry: entry[1])
        ]

    def tasks(self) -> Iterator[Task]:
        """The tasks of every DAG."""
        for dag in self.dags():
            yield from self.tasks_of(dag)

    def used_executors(self) -> dict[str, Json]:
        """Label -> ExecutorSpec, of the tasks."""
        labels = {task.component.get("executorLabel", "") for task in self.tasks()}
        return {label: self.executors[label] for label in sorted(labels) if label in self.executors}


def dig(value: Json, *keys: str) -> Json:
    """An inner mapping; empty where a key is missing."""
    for key in keys:
        value = value.get(key) or {}
    return value


def executor_place(label: str) -> str:
    return f"deploymentSpec.executors[{label}]"


def pod_place(label: str) -> str:
    return f"platforms.kubernetes.deploymentSpec.executors[{label}]"
