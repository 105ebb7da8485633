"""The cluster's own network, mounts, processes and cgroups: what is made in there goes when it ends.

`unshare` gives the supervisor a network, mount and process namespace; it is process 1 of the last, so all
processes of the cluster end with it, and with them the namespaces. Cgroups are left, in one folder.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.cluster.layout import CGROUP, NODE_ADDRESS, ClusterError, Layout

CGROUPS = pathlib.Path("/sys/fs/cgroup")
SECONDS_TO_START = 180
SECONDS_TO_STOP = 120
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=TERM")
NEEDED = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "iptables": "iptables",
    "openssl": "openssl",
    "curl": "curl",
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
}
"""Programs, and the Debian packages that have them."""


def missing_packages() -> list[str]:
    """Debian packages that the cluster needs and that are not here."""
    return sorted({package for program, package in NEEDED.items() if shutil.which(program) is None})


def check_machine() -> None:
    """Whether the cluster can run here.

    Raises:
      ClusterError: it cannot; says why.
    """
    if os.geteuid() != 0:
        raise ClusterError("the cluster must be started by root, got another user; use sudo")
    if missing := missing_packages():
        raise ClusterError(f"the cluster needs more of Debian; apt-get install {' '.join(missing)}")


def start_supervisor(layout: Layout) -> None:
    """Starts the supervisor in namespaces of its own, and waits until the cluster is ready.

    Raises:
      ClusterError: it does not get ready.
    """
    log_file = layout.logs / "supervisor.log"
    with log_file.open("wb") as log:
        command = [*UNSHARE, sys.executable, "-m", "tests.cluster", "supervise"]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _pid_file(layout).write_text(str(process.pid))
    deadline = time.monotonic() + SECONDS_TO_START
    while not ready_file(layout).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log_file.read_text().splitlines() or ["it says nothing"]
            raise ClusterError(f"the cluster must get ready, got: {lines[-1].removeprefix('cluster: ')}")
        time.sleep(0.1)


def stop_supervisor(layout: Layout) -> None:
    """Ends the cluster, and removes all of it but binaries and images."""
    pid = _supervisor(layout)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if not _wait_gone(pid, SECONDS_TO_STOP):
            os.kill(pid, signal.SIGKILL)
            _wait_gone(pid, SECONDS_TO_STOP)
    remove_cgroups()
    shutil.rmtree(layout.state, ignore_errors=True)


def is_up(layout: Layout) -> bool:
    """Whether a cluster is up and ready."""
    return _supervisor(layout) is not None and ready_file(layout).exists()


def enter_command(layout: Layout, command: Sequence[str]) -> list[str]:
    """What runs a command in the cluster's namespaces.

    Raises:
      ClusterError: no cluster is up.
    """
    if not is_up(layout):
        raise ClusterError("a cluster must be up, got none; start it with `make cluster-up`")
    target = f"--target={_supervisor(layout)}"
    return ["nsenter", target, "--net", "--mount", "--pid", f"--wdns={os.getcwd()}", *command]


def prepare_namespace() -> None:
    """Makes the node's network: one address that is reached from nowhere else. Runs inside the namespaces."""
    for command in (
        "ip link set lo up",
        "ip link add node0 type veth peer name node1",
        "ip link set node1 up",
        f"ip addr add {NODE_ADDRESS}/24 dev node0",
        "ip link set node0 up",
        "ip route add default dev node0",
        "mkdir -p /run/netns",
        "mount -t tmpfs tmpfs /run/netns",
    ):
        subprocess.run(command.split(), check=True)
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    make_cgroups()


def make_cgroups() -> None:
    """Makes the folder of cgroups that pods go to, in each hierarchy."""
    for hierarchy in _hierarchies():
        folder = hierarchy / CGROUP
        folder.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # Version 1 gives a new folder of cpusets neither processors nor memory.
            if (folder / name).exists() and not (folder / name).read_text().strip():
                (folder / name).write_text((hierarchy / name).read_text())
        if (hierarchy / "cgroup.subtree_control").exists() and (hierarchy / "cgroup.controllers").exists():
            controllers = (hierarchy / "cgroup.controllers").read_text().split()
            wanted = " ".join(f"+{name}" for name in controllers)
            for control in (hierarchy, folder):
                (control / "cgroup.subtree_control").write_text(wanted)


def remove_cgroups() -> None:
    """Removes the folders of cgroups, deepest first; the kernel refuses those with processes."""
    for hierarchy in _hierarchies():
        for folder, _, _ in os.walk(hierarchy / CGROUP, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def ready_file(layout: Layout) -> pathlib.Path:
    """Is there when the cluster is ready."""
    return layout.state / "ready"


def _hierarchies() -> list[pathlib.Path]:
    """One on machines with version 2, one for each controller with version 1."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [folder for folder in CGROUPS.iterdir() if folder.is_dir() and not folder.is_symlink()]


def _pid_file(layout: Layout) -> pathlib.Path:
    return layout.state / "supervisor.pid"


def _supervisor(layout: Layout) -> int | None:
    """The supervisor's process, seen from here: the child of `unshare`. None when it does not run."""
    try:
        parent = int(_pid_file(layout).read_text())
        arguments = pathlib.Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except (OSError, ValueError):
        return None
    return int(children[0]) if arguments[0] == b"unshare" and children else None


def _wait_gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not pathlib.Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.1)
    return False
