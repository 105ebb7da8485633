"""Where the test cluster keeps its things, all of them outside the repository."""

from __future__ import annotations

import dataclasses
import os
import pathlib

NODE = "localhost"
NODE_ADDRESS = "192.0.2.10"
"""Of the node in its own network namespace: a block that RFC 5737 keeps for documentation."""
POD_NETWORK = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
API_PORT = 6443
CGROUP = "marketcast-cluster"
MAX_SOCKET_PATH = 107
"""Characters, Source: unix(7)."""


class ClusterError(Exception):
    """The test cluster cannot do what was asked; one line that says why."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """The folders of one test cluster.

    Attributes:
      root: holds them all; binaries and images in it outlive the cluster, the rest goes with it.
    """

    root: pathlib.Path

    def __post_init__(self) -> None:
        if len(str(self.containerd_socket)) > MAX_SOCKET_PATH:
            raise ClusterError(
                f"the cache folder must have a short name, got {self.root}; set XDG_CACHE_HOME"
            )

    @property
    def binaries(self) -> pathlib.Path:
        """What was built, a folder for each Go module and state of it."""
        return self.root / "binaries"

    @property
    def images(self) -> pathlib.Path:
        """containerd's store of images."""
        return self.root / "images"

    @property
    def state(self) -> pathlib.Path:
        """All that goes when the cluster goes."""
        return self.root / "state"

    @property
    def certificates(self) -> pathlib.Path:
        """The certificate authority, tokens and kubeconfigs."""
        return self.state / "certificates"

    @property
    def logs(self) -> pathlib.Path:
        """One file for each process."""
        return self.state / "logs"

    @property
    def kubeconfig(self) -> pathlib.Path:
        """Of the administrator; works inside the cluster's network only."""
        return self.certificates / "admin.kubeconfig"

    @property
    def containerd_socket(self) -> pathlib.Path:
        """Where containerd listens."""
        return self.state / "containerd.sock"

    @property
    def volumes(self) -> pathlib.Path:
        """What the persistent volumes of the tests hold."""
        return self.state / "volumes"


def default_layout() -> Layout:
    """Under the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Layout(pathlib.Path(cache).expanduser() / "marketcast" / "cluster")
