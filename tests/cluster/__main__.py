"""`python -m tests.cluster build | up | down | enter COMMAND...`, from the repository's root."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import pathlib
import subprocess
import sys

from tests.cluster import binaries, custom_resources, images, isolation, supervisor, traces
from tests.cluster.layout import ClusterError, Layout, default_layout

IMAGE = pathlib.Path("build/image-tag")
"""Holds the name of the image that was built last."""
IMAGE_IN_PODS = f"docker.io/library/marketcast:{importlib.metadata.version('marketcast')}"
"""What `marketcast`, with the project's version for a tag, means in a manifest."""


def main() -> int:
    """Runs one command; an error is one line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build what the cluster runs, once for each version")
    commands.add_parser("packages", help="print the Debian packages that are missing")
    commands.add_parser("kubectl", help="print where kubectl is, after fetching it if need be")
    commands.add_parser("up", help="start the cluster; does nothing when it is up")
    commands.add_parser("down", help="end it and leave nothing but binaries and images")
    commands.add_parser("supervise", help="what `up` runs in the cluster's namespaces")
    commands.add_parser("test", help="up, the tests, down, and a look for what was left behind")
    enter = commands.add_parser("enter", help="run a command in the cluster's network")
    enter.add_argument("arguments", nargs=argparse.REMAINDER, metavar="COMMAND")
    options = parser.parse_args()
    try:
        run(options, default_layout())
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    return 0


def run(options: argparse.Namespace, layout: Layout) -> None:
    """Does what the command line asks for."""
    if options.command == "packages":
        print(" ".join(isolation.missing_packages()))
    elif options.command == "kubectl":
        print(binaries.fetch_kubectl(layout))
    elif options.command == "build":
        binaries.build_all(layout)
        custom_resources.fetch(layout)
    elif options.command == "up":
        start(layout)
    elif options.command == "down":
        isolation.stop_supervisor(layout)
    elif options.command == "supervise":
        supervisor.supervise(layout)
    elif options.command == "test":
        test(layout)
    else:
        command = isolation.enter_command(layout, options.arguments)
        os.execvpe(command[0], command, environment(layout))


def environment(layout: Layout) -> dict[str, str]:
    """What a command in the cluster's network finds: kubectl, its kubeconfig, the folder of volumes."""
    return {
        **os.environ,
        "KUBECONFIG": str(layout.kubeconfig),
        "PATH": f"{binaries.locate(layout, 'kubectl').parent}:{os.environ['PATH']}",
        "MARKETCAST_CLUSTER_VOLUMES": str(layout.volumes),
    }


def test(layout: Layout) -> None:
    """Starts a fresh cluster with the image that was built last, runs the tests in it, and ends it.

    Raises:
      ClusterError: a test failed, or the cluster left something behind.
    """
    isolation.stop_supervisor(layout)
    custom_resources.fetch(layout)
    before = traces.take_traces(layout)
    try:
        start(layout)
        images.import_built(layout, IMAGE, IMAGE_IN_PODS)
        pytest = [sys.executable, "-m", "pytest", "-m", "cluster", "tests/cluster"]
        command = isolation.enter_command(layout, pytest)
        ended = subprocess.run(command, env=environment(layout), check=False)
    finally:
        isolation.stop_supervisor(layout)
    traces.compare_traces(before, traces.take_traces(layout))
    if ended.returncode:
        raise ClusterError(f"all tests must pass, got pytest's exit code {ended.returncode}; see above")


def start(layout: Layout) -> None:
    """Starts the cluster when it is not up.

    Raises:
      ClusterError: it cannot run here, or does not get ready; nothing of it is left then.
    """
    isolation.check_machine()
    if isolation.is_up(layout):
        return
    binaries.build_all(layout)
    isolation.stop_supervisor(layout)
    layout.logs.mkdir(parents=True)
    try:
        isolation.start_supervisor(layout)
    except BaseException:
        isolation.stop_supervisor(layout)
        raise


if __name__ == "__main__":
    sys.exit(main())
