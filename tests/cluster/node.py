"""The node: containerd, the kubelet, kube-proxy and the cluster's name server."""

from __future__ import annotations

import json
import pathlib
import subprocess

from tests.cluster.binaries import locate
from tests.cluster.images import PAUSE, import_archive, make_archive
from tests.cluster.layout import CGROUP, NODE, NODE_ADDRESS, POD_NETWORK, Layout
from tests.cluster.processes import Processes, succeeds

SYSCTLS = ("vm.overcommit_memory", "kernel.panic", "kernel.panic_on_oops")
"""What the kubelet sets for the whole machine."""
CLUSTER_DOMAIN = "cluster.local"
PLUGINS = "/usr/lib/cni"


def start_node(layout: Layout, processes: Processes) -> None:
    """Starts it, and waits until it is Ready.

    Raises:
      ClusterError: a part of it does not start.
    """
    start_containerd(layout, processes)
    archive = layout.state / "pause.tar"
    make_archive(PAUSE, {"pause": locate(layout, "pause").read_bytes()}, ["/pause"], archive)
    import_archive(layout, archive)
    start_kubelet(layout, processes)
    processes.start("kube-proxy", proxy_command(layout))
    names = layout.state / "Corefile"
    source = f"kubernetes {CLUSTER_DOMAIN} {{\n kubeconfig {layout.kubeconfig}\n }}"
    names.write_text(f".:53 {{\n errors\n ready 127.0.0.1:8181\n {source}\n}}\n")
    processes.start("coredns", [str(locate(layout, "coredns")), "-conf", str(names)])
    processes.wait("coredns", lambda: succeeds(["curl", "--silent", "--fail", "http://127.0.0.1:8181/ready"]))


def start_containerd(layout: Layout, processes: Processes) -> None:
    """Starts containerd; its images outlive the cluster."""
    network = layout.state / "cni"
    network.mkdir()
    (network / "10-bridge.conflist").write_text(json.dumps(pod_network(layout)))
    settings = layout.state / "containerd.toml"
    settings.write_text(containerd_settings(layout))
    processes.start("containerd", ["containerd", "--config", str(settings)])
    probe = ["ctr", "--address", str(layout.containerd_socket), "version"]
    processes.wait("containerd", lambda: succeeds(probe))


def start_kubelet(layout: Layout, processes: Processes) -> None:
    """Starts the kubelet and waits until the node is Ready, then puts back what it changed on the machine."""
    settings = layout.state / "kubelet.yaml"
    settings.write_text(json.dumps(kubelet_settings(layout)))
    before = {name: _sysctl_file(name).read_text() for name in SYSCTLS}
    try:
        processes.start("kubelet", kubelet_command(layout, settings))
        wait = ["wait", "--for=condition=Ready", "--timeout=1s", f"node/{NODE}"]
        ready = [str(locate(layout, "kubectl")), f"--kubeconfig={layout.kubeconfig}", *wait]
        processes.wait("kubelet", lambda: succeeds(ready))
    finally:
        for name, value in before.items():
            _sysctl_file(name).write_text(value)


def kubelet_command(layout: Layout, settings: pathlib.Path) -> list[str]:
    """The kubelet, with its pods and certificates in the state folder."""
    return [
        str(locate(layout, "kubelet")),
        f"--config={settings}",
        f"--kubeconfig={layout.certificates / 'node.kubeconfig'}",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_ADDRESS}",
        f"--root-dir={layout.state / 'kubelet'}",
        f"--cert-dir={layout.state / 'kubelet-certificates'}",
    ]


def kubelet_settings(layout: Layout) -> dict[str, object]:
    """KubeletConfiguration for a machine without systemd, and for cgroups of either version."""
    authority = str(layout.certificates / "ca.crt")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": authority},
        },
        "authorization": {"mode": "Webhook"},
        "address": "127.0.0.1",
        "healthzPort": 0,
        "readOnlyPort": 0,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "clusterDNS": [NODE_ADDRESS],
        "clusterDomain": CLUSTER_DOMAIN,
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        # How soon a changed ConfigMap is in the pods that mount it; usually a minute.
        "syncFrequency": "5s",
        "resolvConf": "",
        "podLogsDir": str(layout.state / "pod-logs"),
        "volumePluginDir": str(layout.state / "volume-plugins"),
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
        "imageGCHighThresholdPercent": 100,
    }


def proxy_command(layout: Layout) -> list[str]:
    """kube-proxy, which makes Services of NAT rules; zeros leave the machine's connection tracking alone."""
    return [
        str(locate(layout, "kube-proxy")),
        f"--kubeconfig={layout.kubeconfig}",
        f"--hostname-override={NODE}",
        "--proxy-mode=iptables",
        "--masquerade-all",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]


def pod_network(layout: Layout) -> dict[str, object]:
    """A bridge, and addresses from one range."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_NETWORK}]],
        "dataDir": str(layout.state / "addresses"),
    }
    bridge = {
        "type": "bridge",
        "bridge": "pods0",
        "isGateway": True,
        "isDefaultGateway": True,
        "hairpinMode": True,
    }
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [{**bridge, "ipam": addresses}, {"type": "loopback"}],
    }


def containerd_settings(layout: Layout) -> str:
    """With its Kubernetes plugin; restrict_oom_score_adj is for machines that lack CAP_SYS_RESOURCE."""
    kubernetes = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{layout.images}"
state = "{layout.state / "containerd"}"
[grpc]
address = "{layout.containerd_socket}"
[{kubernetes}]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
[{kubernetes}.cni]
bin_dir = "{PLUGINS}"
conf_dir = "{layout.state / "cni"}"
[{kubernetes}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[{kubernetes}.containerd.runtimes.runc.options]
SystemdCgroup = false
"""


def remove_containers(layout: Layout) -> None:
    """Removes all containers, so that the images are all that is left in containerd's store."""
    ctr = ["ctr", "--address", str(layout.containerd_socket), "--namespace", "k8s.io"]
    for kind, remove in (("tasks", ["rm", "--force"]), ("containers", ["rm"])):
        listed = subprocess.run([*ctr, kind, "list", "--quiet"], capture_output=True, text=True, check=False)
        for name in listed.stdout.split():
            subprocess.run([*ctr, kind, *remove, name], capture_output=True, check=False)


def _sysctl_file(name: str) -> pathlib.Path:
    return pathlib.Path("/proc/sys", *name.split("."))
