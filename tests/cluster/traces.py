"""What a cluster could leave behind on a machine: compared before it starts and after it is gone."""

from __future__ import annotations

import os
import pathlib
import subprocess

from tests.cluster.isolation import CGROUPS
from tests.cluster.layout import ClusterError, Layout
from tests.cluster.node import SYSCTLS

NETWORK_SYSCTLS = ("net.ipv4.ip_forward", "net.ipv4.conf.all.route_localnet")


def take_traces(layout: Layout) -> dict[str, set[str]]:
    """Mounts, cgroups, network devices, NAT rules, settings of the kernel, and processes of the cluster."""
    names = ("ip", "-o", "link"), ("iptables", "-w", "-t", "nat", "-S")
    links, rules = (
        subprocess.run(name, capture_output=True, text=True, check=False).stdout for name in names
    )
    return {
        "mounts": {line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()},
        "cgroups": {folder for folder, _, _ in os.walk(CGROUPS)},
        "network devices": {line.split(": ")[1] for line in links.splitlines()},
        "NAT rules": set(rules.splitlines()),
        "kernel settings": {_sysctl(name) for name in (*SYSCTLS, *NETWORK_SYSCTLS)},
        "processes": set(_processes_with(str(layout.state))),
    }


def compare_traces(before: dict[str, set[str]], after: dict[str, set[str]]) -> None:
    """Checks that nothing is there that was not there before.

    Raises:
      ClusterError: something is; names it.
    """
    for kind, things in after.items():
        if left := things - before[kind]:
            raise ClusterError(f"nothing must be left behind, got {kind}: {', '.join(sorted(left))}")


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _sysctl(name: str) -> str:
    return f"{name} = {pathlib.Path('/proc/sys', *name.split('.')).read_text().strip()}"


def _processes_with(text: str) -> list[str]:
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command:
            found.append(f"{folder.name} {command[:80]}")
    return found
