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
from pipeline.kubeflow.rehearsal.errors import TaskError
from pipeline.kubeflow.rehearsal.placeholders import fill_command
from pipeline.kubeflow.rehearsal.pods import Pod

ENGINES = ("podman", "docker")
STOP_SECONDS = 10.0
ISOLATION = (
    "--network=none",
    "--read-only",
    "--tmpfs=/tmp:rw,exec,mode=1777",
    "--security-opt=label=disable",  # where SELinux rules, it would keep mounts from the container
)
"""A pod may do more; a task that needs no more runs in a strict cluster too."""


class TaskProcesses(Protocol):
    """A way to run tasks."""

    def run(self, container: Json, executor_input: Json, pod: Pod, log: pathlib.Path) -> int:
        """Runs a task's command to its end, and returns its true exit code."""


@dataclasses.dataclass(frozen=True)
class Subprocesses:
    """Runs commands here, with this Python; paths below a mount become those of this machine.

    Attributes:
      workdir: working folder, which has what the image's has.
      timeout_seconds: a task that takes longer has failed.
    """

    workdir: pathlib.Path
    timeout_seconds: float

    def run(self, container: Json, executor_input: Json, pod: Pod, log: pathlib.Path) -> int:
        """See TaskProcesses."""
        program, *arguments = _require_command(
            fill_command(container, map_texts(executor_input, pod.translate), pod.translate)
        )
        command = [sys.executable if program == "python" else program, *arguments]
        environment = {**os.environ, **pod.environment, TWIN_ROOT_VARIABLE: str(pod.twins)}
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
        program, *arguments = _require_command(fill_command(container, executor_input))
        options = [*ISOLATION, "--rm", "--name", name, "--entrypoint", program]
        for mount, folder in pod.mounts.items():
            options += ["--volume", f"{folder.resolve()}:{mount}"]
        for variable in pod.environment:
            options += ["--env", variable]  # the value stays off the command line
        command = [self.engine, "run", *options, self.image or container["image"], *arguments]
        environment = {**os.environ, **pod.environment}
        with _end_of_process(command, log, pathlib.Path.cwd(), environment) as process:
            try:
                return _wait(process, self.timeout_seconds)
            except BaseException:
                # At once: a container's first process does not heed a polite signal.
                for end in (["kill", name], ["rm", "--force", name]):
                    subprocess.run([self.engine, *end], capture_output=True, check=False)
                raise


def _require_command(command: list[str]) -> list[str]:
    if not command:
        raise TaskError(
            "the task must have a command, got none; KFP's launcher fails: command and arguments are empty"
        )
    return command


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
        try:
            process = subprocess.Popen(
                command,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=workdir,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise TaskError(f"the task's program must start, got {error}; mend its command") from error
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
