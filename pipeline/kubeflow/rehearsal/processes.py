"""Runs a task's command: as a subprocess of this machine, or in a container of the image."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from components.errors import ConfigError
from pipeline.kubeflow.bridge.artifact_metadata import map_texts
from pipeline.kubeflow.bridge.locations import TWIN_ROOT_VARIABLE
from pipeline.kubeflow.package import Json
from pipeline.kubeflow.rehearsal.driver import fill_command
from pipeline.kubeflow.rehearsal.errors import TaskError
from pipeline.kubeflow.rehearsal.pods import Pod

ENGINES = ("podman", "docker")
STOP_SECONDS = 10.0


class TaskProcesses(Protocol):
    """A way to run tasks."""

    def run(self, container: Json, executor_input: Json, pod: Pod, log: pathlib.Path) -> int:
        """Runs a task's command to its end, and returns its true exit code."""


@dataclasses.dataclass(frozen=True)
class Subprocesses:
    """Runs commands here, with this Python; paths below a mount become those of this machine.

    Attributes:
      twin_root: folder of the tasks' twins is this, seen from a task's own; see Pod.
      workdir: working folder, which has what the image's has.
      timeout_seconds: a task that takes longer has failed.
    """

    workdir: pathlib.Path
    timeout_seconds: float

    def run(self, container: Json, executor_input: Json, pod: Pod, log: pathlib.Path) -> int:
        """See TaskProcesses."""
        command = fill_command(container, map_texts(executor_input, pod.translate))
        if command[0] == "python":
            command[0] = sys.executable
        twin_root = next(iter(pod.mounts.values())).parent
        environment = {**os.environ, **pod.environment, TWIN_ROOT_VARIABLE: str(twin_root)}
        with _end_of_process(command, log, self.workdir, environment) as process:
            return _wait(process, self.timeout_seconds)


@dataclasses.dataclass(frozen=True)
class Containers:
    """Runs commands in containers that see no network, and can write to mounts and /tmp only.

    Attributes:
      engine: podman or docker.
      image: in place of the package's; empty for that one.
      timeout_seconds: a task that takes longer has failed.
    """

    engine: str
    image: str
    timeout_seconds: float

    def run(self, container: Json, executor_input: Json, pod: Pod, log: pathlib.Path) -> int:
        """See TaskProcesses."""
        name = f"rehearsal-{uuid.uuid4().hex[:12]}"
        program, *arguments = fill_command(container, executor_input)
        options = ["--rm", "--name", name, "--network", "none", "--read-only", "--tmpfs", "/tmp:rw,mode=1777"]
        for mount, folder in pod.mounts.items():
            options += ["--volume", f"{folder.resolve()}:{mount}"]
        for variable in pod.environment:
            options += ["--env", variable]  # the value stays off the command line
        command = [
            self.engine,
            "run",
            *options,
            "--entrypoint",
            program,
            self.image or container["image"],
            *arguments,
        ]
        environment = {**os.environ, **pod.environment}
        with _end_of_process(command, log, pathlib.Path.cwd(), environment) as process:
            try:
                return _wait(process, self.timeout_seconds)
            except BaseException:
                subprocess.run([self.engine, "rm", "--force", name], capture_output=True, check=False)
                raise


def find_engine(name: str = "") -> str:
    """The container engine: the one that is named, or the first of ENGINES that answers.

    Raises:
      ConfigError: none is there.
    """
    for engine in [name] if name else ENGINES:
        if shutil.which(engine) and _answers(engine):
            return engine
    raise ConfigError(
        f"a container engine must be there and answer, got none of {name or ', '.join(ENGINES)}; "
        "install podman, or rehearse with --as subprocess"
    )


def _answers(engine: str) -> bool:
    return subprocess.run([engine, "info"], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def _end_of_process(
    command: list[str], log: pathlib.Path, workdir: pathlib.Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[Any]]:
    """A process, its output in a log; it and its children are gone at the end, however that comes."""
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=workdir,
            env=environment,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[Any]) -> None:
    """Asks the process and its children to end, then ends them."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(process: subprocess.Popen[Any], timeout_seconds: float) -> int:
    try:
        return process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        raise TaskError(
            f"the task must end within {timeout_seconds:g} s, got no end; raise --timeout-seconds"
        ) from None
