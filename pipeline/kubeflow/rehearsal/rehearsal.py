"""Runs a compiled package task by task, and remembers how far it came."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from components.errors import ConfigError
from pipeline.kubeflow.package import Json, PackageError, format_package
from pipeline.kubeflow.rehearsal import driver, graph
from pipeline.kubeflow.rehearsal.driver import Run
from pipeline.kubeflow.rehearsal.errors import TaskError
from pipeline.kubeflow.rehearsal.launcher import Launcher
from pipeline.kubeflow.rehearsal.pods import read_secrets
from pipeline.kubeflow.rehearsal.records import Outputs

SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
SKIPPED = "SKIPPED"
STATE_FILE = "state.json"


@dataclasses.dataclass(frozen=True)
class TaskResult:
    """How a task ended.

    Attributes:
      name: of the task.
      state: SUCCEEDED, FAILED or SKIPPED.
      seconds: it took; 0 for one that an earlier rehearsal had done.
      resumed: an earlier rehearsal had done it.
      outputs: what it left.
      note: why it failed or was skipped, or what KFP would pass over in silence.
    """

    name: str
    state: str
    seconds: float = 0.0
    resumed: bool = False
    outputs: Outputs = dataclasses.field(default_factory=lambda: Outputs({}, {}))
    note: str = ""


class Rehearsal:
    """One rehearsal of one run."""

    def __init__(
        self,
        run: Run,
        launcher: Launcher,
        started: Callable[[str], None],
        finished: Callable[[TaskResult], None],
    ) -> None:
        """Prepares the rehearsal; the listeners are told of each task."""
        self._run = run
        self._launcher = launcher
        self._started = started
        self._finished = finished
        self._results: dict[str, TaskResult] = {}
        self._state_file = launcher.folder / STATE_FILE

    @property
    def results(self) -> list[TaskResult]:
        """How each task that ended did, in order."""
        return list(self._results.values())

    def go(self, resume: bool) -> None:
        """Runs the tasks in order; those that wait for one that failed do not run.

        Args:
          resume: keep what an earlier rehearsal of the same package and parameters has done.
        Raises:
          ConfigError: there is nothing to resume, or a secret's variable is missing.
        """
        names = graph.order_tasks(self._run.package)
        read_secrets(graph.find_pod(self._run.package, name) for name in names)
        done = self._read_state() if resume else {}
        self._write_state(done)
        for name in names:
            if name in done and all(task in done for task in graph.upstream_of(self._find_task(name))):
                result = dataclasses.replace(done[name], seconds=0.0, resumed=True)
            else:
                self._started(name)
                start = time.monotonic()
                result = dataclasses.replace(self._run_task(name), seconds=time.monotonic() - start)
            self._results[name] = result
            self._write_state(done | self._results)
            self._finished(result)

    def _run_task(self, name: str) -> TaskResult:
        if reason := self._find_hindrance(name):
            return TaskResult(name, SKIPPED, note=reason)
        ended = {n: result.outputs for n, result in self._results.items() if result.state == SUCCEEDED}
        try:
            executor_input = driver.make_executor_input(self._run, name, ended)
            if not driver.is_triggered(self._run, name, executor_input):
                return TaskResult(name, SKIPPED, note="its condition does not hold")
            number = 1 + sum(len(outputs.artifacts) for outputs in ended.values())
            outputs, warnings = self._launcher.launch(self._run, name, executor_input, number)
        except (PackageError, TaskError) as error:
            return TaskResult(name, FAILED, note=str(error))
        return TaskResult(name, SUCCEEDED, outputs=outputs, note="; ".join(warnings))

    def _find_hindrance(self, name: str) -> str:
        task = self._find_task(name)
        if graph.runs_regardless(task):
            return ""
        hindering = [n for n in graph.upstream_of(task) if self._results[n].state != SUCCEEDED]
        return f"{hindering[0]} did not succeed" if hindering else ""

    def _find_task(self, name: str) -> Json:
        return graph.find_task(self._run.package, name)

    def _identify(self) -> Json:
        digest = hashlib.sha256(format_package(self._run.package).encode()).hexdigest()
        return {"package": digest, "arguments": dict(self._run.arguments)}

    def _write_state(self, results: Mapping[str, TaskResult]) -> None:
        done = {name: dataclasses.asdict(r) for name, r in results.items() if r.state == SUCCEEDED}
        state = {**self._identify(), "root": self._run.root, "done": done}
        temporary = self._state_file.with_suffix(".new")
        temporary.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, self._state_file)

    def _read_state(self) -> dict[str, TaskResult]:
        state = read_state(self._launcher.folder)
        for key, value in self._identify().items():
            if state[key] != value:
                raise ConfigError(
                    f"--resume must go on with the same {key}, got another than in {self._state_file}; "
                    "rehearse from the start"
                )
        return {
            name: TaskResult(**{**result, "outputs": Outputs(**result["outputs"])})
            for name, result in state["done"].items()
        }


def read_state(folder: pathlib.Path) -> Mapping[str, Any]:
    """What an earlier rehearsal in this folder has left.

    Raises:
      ConfigError: nothing.
    """
    file = folder / STATE_FILE
    if not file.exists():
        raise ConfigError(
            f"--resume must find an earlier rehearsal, got none in {folder}; leave --resume out"
        )
    state: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return state
