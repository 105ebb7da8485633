"""The serving stack on the test cluster, as an engineer with kubectl sees it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

from components import contract

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = pathlib.Path(__file__).parent
NAMESPACE = "marketcast"
DEPLOYMENT = "deployment/marketcast-serving"
GRPC_NAME = "dns:///marketcast-grpc:8500"
REST_NAME = "http://marketcast-rest:8501"
CONTAINER_USER = 1000
SECONDS = 240


def kubectl(
    *arguments: str, text: str | None = None, is_checked: bool = True, namespace: str = NAMESPACE
) -> str:
    """Runs kubectl in a namespace; what it prints on standard output."""
    ended = run_kubectl(*arguments, text=text, namespace=namespace)
    if is_checked and ended.returncode:
        raise AssertionError(f"kubectl {' '.join(arguments)}: {ended.stdout[-2000:]} {ended.stderr[-2000:]}")
    return ended.stdout


def run_kubectl(
    *arguments: str, text: str | None = None, namespace: str = NAMESPACE
) -> subprocess.CompletedProcess[str]:
    """Runs kubectl in a namespace, to whatever end."""
    return subprocess.run(
        ["kubectl", f"--namespace={namespace}", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=SECONDS + 10,
        check=False,
    )


def read(*arguments: str) -> Any:
    """An object of the cluster."""
    return json.loads(kubectl("get", *arguments, "--output=json"))


def pods() -> list[dict[str, Any]]:
    """The servers' pods that are not on their way out."""
    items = read("pods", "--selector=app.kubernetes.io/name=marketcast-serving")["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def execute(pod: str, *command: str, is_checked: bool = True) -> str:
    """Runs a command in a pod."""
    return kubectl("exec", pod, "--", *command, is_checked=is_checked)


class ModelStore:
    """The persistent volume that the servers read, as the one who pushes sees it."""

    def __init__(self, folder: pathlib.Path, exported: dict[int, pathlib.Path]) -> None:
        self.folder = folder
        self.base_path = folder / contract.MODEL_NAME
        self._exported = exported
        self.base_path.mkdir(parents=True, exist_ok=True)
        self._hand_over(folder)

    def push(self, version: int) -> None:
        """Puts a version into its place at once, as the pipeline's push does, if it is not there."""
        if (self.base_path / str(version)).exists():
            return
        staging = self.base_path / f".pushing-{version}"
        shutil.copytree(self._exported[version], staging)
        self._hand_over(staging)
        staging.rename(self.base_path / str(version))

    def _hand_over(self, folder: pathlib.Path) -> None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, CONTAINER_USER, CONTAINER_USER)


@contextlib.contextmanager
def load(results: dict[str, Any], address: str = GRPC_NAME) -> Iterator[None]:
    """Keeps the client's pod asking; `results` has answers and failures when the block ends."""
    execute("client", "rm", "-f", "/tmp/stop", "/tmp/ready")
    command = ["kubectl", f"--namespace={NAMESPACE}", "exec", "client", "--"]
    asking = subprocess.Popen(
        [*command, "python", "-W", "ignore", "/scripts/load.py", address], stdout=subprocess.PIPE, text=True
    )
    try:
        execute("client", "sh", "-c", "until [ -e /tmp/ready ]; do sleep 0.1; done")
        yield
    finally:
        execute("client", "touch", "/tmp/stop")
        output, _ = asking.communicate(timeout=SECONDS)
    results.update(json.loads(output))
