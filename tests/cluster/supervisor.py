"""Process 1 of the cluster's namespaces: starts the rest, buries orphans, ends the rest."""

from __future__ import annotations

import os
import signal
import time

from tests.cluster.certificates import make_certificates
from tests.cluster.control_plane import start_control_plane
from tests.cluster.isolation import prepare_namespace, ready_file
from tests.cluster.layout import Layout
from tests.cluster.node import remove_containers, start_node
from tests.cluster.processes import Processes

SECONDS_BETWEEN_ROUNDS = 0.2


def supervise(layout: Layout) -> None:
    """Runs the cluster until it is told to end.

    Raises:
      ClusterError: a part of it does not start.
    """
    signal.signal(signal.SIGTERM, _end)
    prepare_namespace()
    make_certificates(layout)
    processes = Processes(layout)
    try:
        start_control_plane(layout, processes)
        start_node(layout, processes)
        ready_file(layout).touch()
        while True:
            bury_orphans(processes)
            time.sleep(SECONDS_BETWEEN_ROUNDS)
    finally:
        end(layout, processes)


def end(layout: Layout, processes: Processes) -> None:
    """Ends the kubelet, so that it starts no pod again, then the pods, then the rest."""
    processes.stop("kubelet")
    if "containerd" in processes.running:
        remove_containers(layout)
    for name in reversed(list(processes.running)):
        processes.stop(name)


def bury_orphans(processes: Processes) -> None:
    """Waits for ended processes that nobody else waits for; those of `processes` keep their exit code."""
    own = {process.pid: process for process in processes.running.values()}
    while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if ended.si_pid in own:
            own[ended.si_pid].poll()
        else:
            os.waitpid(ended.si_pid, 0)


def _end(*_: object) -> None:
    raise SystemExit(0)
