"""etcd, the API server, the controllers and the scheduler."""

from __future__ import annotations

from tests.cluster.binaries import locate
from tests.cluster.layout import API_PORT, NODE_ADDRESS, SERVICE_NETWORK, Layout
from tests.cluster.processes import Processes, succeeds

ETCD = "http://127.0.0.1:2379"
ETCD_PEERS = "http://127.0.0.1:2380"


def start_control_plane(layout: Layout, processes: Processes) -> None:
    """Starts it, and waits until the API server is ready.

    Raises:
      ClusterError: a part of it does not start.
    """
    processes.start("etcd", etcd_command(layout))
    processes.start("kube-apiserver", api_server_command(layout))
    address = f"https://127.0.0.1:{API_PORT}/readyz"
    probe = ["curl", "--silent", "--fail", "--cacert", str(layout.certificates / "ca.crt"), address]
    processes.wait("kube-apiserver", lambda: succeeds(probe))
    processes.start("kube-controller-manager", controllers_command(layout))
    processes.start("kube-scheduler", scheduler_command(layout))


def etcd_command(layout: Layout) -> list[str]:
    """etcd keeps its data in the state folder, and never waits for the disk: the cluster is thrown away."""
    return [
        str(locate(layout, "etcd")),
        f"--data-dir={layout.state / 'etcd'}",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        f"--listen-peer-urls={ETCD_PEERS}",
        f"--initial-advertise-peer-urls={ETCD_PEERS}",
        f"--initial-cluster=default={ETCD_PEERS}",
        "--unsafe-no-fsync",
    ]


def api_server_command(layout: Layout) -> list[str]:
    """The API server, with RBAC, pod security and the other admissions of a usual cluster."""
    own = layout.certificates
    return [
        str(locate(layout, "kube-apiserver")),
        f"--etcd-servers={ETCD}",
        "--bind-address=0.0.0.0",
        f"--advertise-address={NODE_ADDRESS}",
        f"--secure-port={API_PORT}",
        f"--tls-cert-file={own / 'apiserver.crt'}",
        f"--tls-private-key-file={own / 'apiserver.key'}",
        f"--client-ca-file={own / 'ca.crt'}",
        f"--token-auth-file={own / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={own / 'service-accounts.key'}",
        f"--service-account-signing-key-file={own / 'service-accounts.key'}",
        f"--kubelet-client-certificate={own / 'kubelet-client.crt'}",
        f"--kubelet-client-key={own / 'kubelet-client.key'}",
        "--kubelet-preferred-address-types=Hostname",
        "--allow-privileged=true",
    ]


def controllers_command(layout: Layout) -> list[str]:
    """The controller manager, each controller with its own service account."""
    own = layout.certificates
    return [
        str(locate(layout, "kube-controller-manager")),
        f"--kubeconfig={own / 'kube-controller-manager.kubeconfig'}",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={own / 'service-accounts.key'}",
        f"--root-ca-file={own / 'ca.crt'}",
        "--leader-elect=false",
        "--secure-port=0",
        "--allocate-node-cidrs=false",
    ]


def scheduler_command(layout: Layout) -> list[str]:
    """The scheduler."""
    own = layout.certificates / "kube-scheduler.kubeconfig"
    return [
        str(locate(layout, "kube-scheduler")),
        f"--kubeconfig={own}",
        f"--authentication-kubeconfig={own}",
        f"--authorization-kubeconfig={own}",
        "--leader-elect=false",
        "--secure-port=0",
    ]
