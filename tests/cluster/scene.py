"""The serving stack on the test cluster, as an engineer with kubectl sees it."""

from __future__ import annotations

import contextlib
import json
import pathlib
import string
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
LOAD = "tar x -C /tmp && marketcast sync-models --from=/tmp/marketcast --to=/models/marketcast --once"
"""What the loader does with an archive of models on its standard input. Source: docs/deploy.md."""
CONTAINER_USER = 1000
MODELS_CLAIM = "marketcast-models"
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
    """The persistent volume that the servers read, filled as docs/deploy.md says."""

    def __init__(self, exported: dict[int, pathlib.Path]) -> None:
        self._exported = exported
        self._pushed: set[int] = set()

    def push(self, version: int) -> None:
        """Puts a version where the servers find it, if it is not there."""
        if version in self._pushed:
            return
        folder = self._exported[version]
        name = f"--transform=s,^,{contract.MODEL_NAME}/,"
        tar = ["tar", "--create", f"--directory={folder.parent}", name, folder.name]
        send = ["kubectl", f"--namespace={NAMESPACE}", "exec", "-i", "deployment/marketcast-loader", "--"]
        with subprocess.Popen(tar, stdout=subprocess.PIPE) as packing:
            subprocess.run([*send, "sh", "-c", LOAD], stdin=packing.stdout, check=True, timeout=SECONDS)
        self._pushed.add(version)


def offer_volume(folder: pathlib.Path, namespace: str, claim: str = MODELS_CLAIM) -> None:
    """Makes a folder of the node the volume that a namespace's claim gets."""
    template = string.Template((FOLDER / "manifests" / "volume.yaml").read_text())
    kubectl(
        "apply", "--filename=-", text=template.substitute(VOLUME=folder, NAMESPACE=namespace, CLAIM=claim)
    )


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
