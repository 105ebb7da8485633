"""`marketcast rehearse`: a compiled package, run on this machine as a cluster would run it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline import run_lock
from pipeline.console import RunConsole
from pipeline.failures import INTERRUPTED_EXIT_CODE
from pipeline.kubeflow.check.check import require_sound
from pipeline.kubeflow.package import Package, read_documents, read_package
from pipeline.kubeflow.rehearsal.driver import Run
from pipeline.kubeflow.rehearsal.launcher import Launcher
from pipeline.kubeflow.rehearsal.parameters import parse_arguments, resolve_arguments
from pipeline.kubeflow.rehearsal.processes import Containers, Subprocesses, TaskProcesses, find_engine
from pipeline.kubeflow.rehearsal.rehearsal import FAILED, Rehearsal, TaskResult, read_state
from pipeline.kubeflow.rehearsal.run_folder import LOCK_FILE, find_volumes, start_run
from pipeline.kubeflow.rehearsal.screen import RehearsalScreen, log_of
from pipeline.kubeflow.rehearsal.store import ObjectStore

CONTAINER = "container"
SUBPROCESS = "subprocess"
DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
EXIT_CODES = {"succeeded": 0, "failed": 1, "interrupted": INTERRUPTED_EXIT_CODE}


@dataclasses.dataclass(frozen=True)
class RehearsalOptions:
    """What the command is asked.

    Attributes:
      package: file.
      params: KEY=VALUE.
      run_as: CONTAINER or SUBPROCESS.
      engine: podman or docker; empty for the one that is there.
      image: in place of the package's; empty for that one.
      workdir: of subprocesses.
      pipeline_root: URI below which the run's artifacts are.
      run_folder: gets store, twins, logs, volumes and state; empty for run/rehearsal/PIPELINE.
      volumes: CLAIM=FOLDER.
      timeout_seconds: for one task.
      resume: go on with an earlier rehearsal.
      as_json: end with one JSON object.
    """

    package: str
    params: tuple[str, ...] = ()
    run_as: str = SUBPROCESS
    engine: str = ""
    image: str = ""
    workdir: str = "."
    pipeline_root: str = DEFAULT_ROOT
    run_folder: str = ""
    volumes: tuple[str, ...] = ()
    timeout_seconds: float = 3600.0
    resume: bool = False
    as_json: bool = False


def rehearse(options: RehearsalOptions) -> int:
    """Checks a package, rehearses it, and tells the user about it.

    Returns:
      The exit code: 0 every task succeeded or was rightly skipped, 1 one failed, 130 interrupted.
    Raises:
      MarketcastError: the package, a parameter or a flag is wrong, or the run's folder is in use.
    """
    require_sound(read_documents(options.package), options.package, pipeline_root=options.pipeline_root)
    return rehearse_package(read_package(options.package), options)


def rehearse_package(package: Package, options: RehearsalOptions) -> int:
    """Rehearses a package that was checked; see `rehearse`."""
    definitions = package.spec["root"].get("inputDefinitions", {}).get("parameters", {})
    arguments = resolve_arguments(parse_arguments(options.params, definitions), definitions)
    processes = _choose_processes(options)
    pipeline = package.spec["pipelineInfo"]["name"]
    folder = pathlib.Path(options.run_folder or pathlib.Path("run", "rehearsal", pipeline)).absolute()
    volumes = find_volumes(options.volumes, package, folder)
    with run_lock.hold(str(folder / LOCK_FILE), "--run-folder FOLDER"), _interrupted_by_sigterm():
        store = ObjectStore(folder / "store")
        if options.resume:
            root = str(read_state(folder)["root"])
        else:
            root = start_run(folder, store, pipeline, options.pipeline_root)
        screen = RehearsalScreen(RunConsole(sys.stderr if options.as_json else sys.stdout), folder)
        launcher = Launcher(store, processes, folder, volumes)
        rehearsal = Rehearsal(Run(package, root, arguments), launcher, screen.started, screen.finished)
        outcome = _go(rehearsal, options.resume, screen)
    if options.as_json:
        print(json.dumps(describe(rehearsal.results, outcome, folder)))
    return EXIT_CODES[outcome]


def describe(results: Sequence[TaskResult], outcome: str, folder: pathlib.Path) -> dict[str, Any]:
    """The rehearsal as JSON; of artifacts it says where they are, and not how their store is reached."""
    tasks = [
        {
            "name": result.name,
            "state": result.state,
            "seconds": round(result.seconds, 3),
            "resumed": result.resumed,
            "note": result.note,
            "log": str(log_of(folder, result.name)),
            "artifacts": {key: artifact["uri"] for key, artifact in result.outputs.artifacts.items()},
            "parameters": result.outputs.parameters,
        }
        for result in results
    ]
    return {"outcome": outcome, "folder": str(folder), "tasks": tasks}


def _go(rehearsal: Rehearsal, resume: bool, screen: RehearsalScreen) -> str:
    try:
        rehearsal.go(resume)
    except KeyboardInterrupt:
        screen.interrupted()
        return "interrupted"
    screen.conclude(rehearsal.results)
    return "failed" if any(result.state == FAILED for result in rehearsal.results) else "succeeded"


def _choose_processes(options: RehearsalOptions) -> TaskProcesses:
    if options.run_as == CONTAINER:
        return Containers(find_engine(options.engine), options.image, options.timeout_seconds)
    return Subprocesses(pathlib.Path(options.workdir).absolute(), options.timeout_seconds)


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Has SIGTERM end the task too, as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
