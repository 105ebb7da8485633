"""`marketcast rehearse`: a compiled package, run on this machine as a cluster would run it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
import sys
import time
import uuid
from collections.abc import Sequence

from components.errors import ConfigError
from pipeline.console import NAME_WIDTH, RunConsole
from pipeline.kubeflow.check.check import require_sound
from pipeline.kubeflow.package import Package, read_documents, read_package
from pipeline.kubeflow.rehearsal.driver import Run
from pipeline.kubeflow.rehearsal.launcher import Launcher
from pipeline.kubeflow.rehearsal.parameters import parse_arguments, resolve_arguments
from pipeline.kubeflow.rehearsal.processes import Containers, Subprocesses, TaskProcesses, find_engine
from pipeline.kubeflow.rehearsal.rehearsal import FAILED, SUCCEEDED, Rehearsal, TaskResult, read_state
from pipeline.kubeflow.rehearsal.store import ObjectStore

CONTAINER = "container"
SUBPROCESS = "subprocess"
DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"
LAST_LINES = 20
INTERRUPTED_EXIT_CODE = 130


@dataclasses.dataclass(frozen=True)
class RehearsalOptions:
    """What the command is asked.

    Attributes:
      package: file.
      params: KEY=VALUE.
      run_as: CONTAINER or SUBPROCESS.
      engine: podman or docker; empty for the one that is there.
      image: in place of the package's; empty for that one.
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
    pipeline_root: str = DEFAULT_ROOT
    run_folder: str = ""
    volumes: tuple[str, ...] = ()
    timeout_seconds: float = 3600.0
    resume: bool = False
    as_json: bool = False


def rehearse(options: RehearsalOptions) -> int:
    """Rehearses a package, and tells the user about it.

    Returns:
      The exit code: 0 every task succeeded or was rightly skipped, 1 one failed, 130 interrupted.
    Raises:
      ConfigError: the package, a parameter or a flag is wrong.
    """
    require_sound(read_documents(options.package), options.package)
    package = read_package(options.package)
    folder = _open_folder(options, package)
    definitions = package.spec["root"].get("inputDefinitions", {}).get("parameters", {})
    arguments = resolve_arguments(parse_arguments(options.params, definitions), definitions)
    console = _Console(RunConsole(sys.stderr if options.as_json else sys.stdout), folder)
    volumes = _find_volumes(options, package, folder)
    launcher = Launcher(ObjectStore(folder / "store"), _choose_processes(options), folder, volumes)
    rehearsal = Rehearsal(
        Run(package, _make_root(options, package, folder), arguments),
        launcher,
        console.started,
        console.finished,
    )
    try:
        results = rehearsal.go(options.resume)
    except KeyboardInterrupt:
        console.interrupted()
        return INTERRUPTED_EXIT_CODE
    console.conclude(results)
    if options.as_json:
        print(json.dumps(describe(results, folder)))
    return int(any(result.state == FAILED for result in results))


def describe(results: Sequence[TaskResult], folder: pathlib.Path) -> dict[str, object]:
    """The rehearsal as JSON."""
    tasks = [dataclasses.asdict(result) | {"log": str(_log_of(folder, result))} for result in results]
    return {"succeeded": all(r.state != FAILED for r in results), "folder": str(folder), "tasks": tasks}


class _Console:
    """What the user sees of a rehearsal."""

    def __init__(self, console: RunConsole, folder: pathlib.Path) -> None:
        self._console = console
        self._folder = folder
        self._start = time.monotonic()

    def started(self, name: str) -> None:
        self._console.started(name)

    def finished(self, result: TaskResult) -> None:
        if result.resumed:
            self._console.started(result.name)
        if result.state == FAILED:
            self._console.stopped("failed")
            self._show_last_lines(result)
        else:
            words = ["done before"] * result.resumed + ["skipped"] * (result.state != SUCCEEDED)
            self._console.finished(result.seconds, ", ".join(filter(None, [*words, result.note])))

    def interrupted(self) -> None:
        self._console.stopped("stopped")
        self._console.say("interrupted; the same command with --resume goes on from here")

    def conclude(self, results: Sequence[TaskResult]) -> None:
        """The summary table."""
        self._console.say(f"\n  {'task':<{NAME_WIDTH}} {'state':<10} {'seconds':>8}  log")
        for result in results:
            log = _log_of(self._folder, result)
            shown = log if log.exists() else ""
            state = f"{result.state.lower():<10} {result.seconds:8.1f}"
            self._console.say(f"  {result.name:<{NAME_WIDTH}} {state}  {shown}".rstrip())
        failed = [result for result in results if result.state == FAILED]
        seconds = time.monotonic() - self._start
        self._console.say(f"\n{len(results)} tasks in {seconds:.0f} s; artifacts in {self._folder / 'store'}")
        if failed:
            self._console.say(
                f"failed: {', '.join(result.name for result in failed)}; "
                "mend it, then the same command with --resume goes on from there"
            )

    def _show_last_lines(self, result: TaskResult) -> None:
        log = _log_of(self._folder, result)
        if log.exists():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
            for line in lines:
                self._console.say(f"    {line}")
        self._console.say(f"error: {result.note}")


def _log_of(folder: pathlib.Path, result: TaskResult) -> pathlib.Path:
    return folder / "logs" / f"{result.name}.log"


def _choose_processes(options: RehearsalOptions) -> TaskProcesses:
    if options.run_as == CONTAINER:
        return Containers(find_engine(options.engine), options.image, options.timeout_seconds)
    return Subprocesses(pathlib.Path.cwd(), options.timeout_seconds)


def _open_folder(options: RehearsalOptions, package: Package) -> pathlib.Path:
    """The run's folder; what an earlier rehearsal left there goes, unless it is resumed. Volumes stay."""
    name = package.spec["pipelineInfo"]["name"]
    folder = pathlib.Path(options.run_folder or pathlib.Path("run", "rehearsal", name)).absolute()
    if not options.resume:
        for part in ("store", "twins", "logs"):
            shutil.rmtree(folder / part, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _make_root(options: RehearsalOptions, package: Package, folder: pathlib.Path) -> str:
    if options.resume:
        return str(read_state(folder)["root"])
    name = package.spec["pipelineInfo"]["name"]
    return f"{options.pipeline_root.rstrip('/')}/{name}/{uuid.uuid4()}"


def _find_volumes(
    options: RehearsalOptions, package: Package, folder: pathlib.Path
) -> dict[str, pathlib.Path]:
    """A folder for each claim of the package: the one that is given, or one of the run's folder."""
    executors = package.platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
    pods = executors.get("executors", {}).values()
    claims = [mount.get("constant", "") for pod in pods for mount in pod.get("pvcMount", [])]
    volumes = {claim: folder / "volumes" / claim for claim in claims}
    for assignment in options.volumes:
        claim, equals, path = assignment.partition("=")
        if not equals or claim not in volumes:
            raise ConfigError(
                f"--volume must be CLAIM=FOLDER, the claim among {', '.join(sorted(set(claims))) or 'none'}, "
                f"got '{assignment}'; mend it"
            )
        volumes[claim] = pathlib.Path(path).absolute()
    return volumes
