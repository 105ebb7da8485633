"""k8s/components/mtls on a real Kubernetes: only who has a certificate of the authority is answered."""

from __future__ import annotations

import base64
import re
import subprocess

import pytest
import yaml

from serving import ssl_config
from serving.call_error import CallError
from serving.connect import connect
from serving.tls import TlsConfig
from tests.cluster.scene import DEPLOYMENT, FOLDER, SECONDS, kubectl, offer_volume
from tests.serving.certificates import Authority
from tests.serving.sample_bars import make_frame

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stack")]
NAMESPACE = "marketcast-secured"
AUTHORITY, STRANGER = Authority("ours"), Authority("not ours")
CLIENT, FOREIGN = AUTHORITY.issue(), STRANGER.issue()


@pytest.fixture(scope="module")
def address(volume):
    """A port of this machine that leads to a server with certificates."""
    server = AUTHORITY.issue()
    files = {
        ssl_config.KEY_FILE: server.private_key,
        ssl_config.CERTIFICATE_FILE: server.certificate,
        ssl_config.AUTHORITY_FILE: AUTHORITY.certificate,
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "marketcast-server-tls", "namespace": NAMESPACE},
        "type": "kubernetes.io/tls",
        "data": {name: base64.b64encode(text).decode() for name, text in files.items()},
    }
    kubectl("create", "namespace", NAMESPACE)
    offer_volume(volume, NAMESPACE)
    kubectl("apply", "--filename=-", text=yaml.safe_dump(secret), namespace=NAMESPACE)
    kubectl("apply", f"--kustomize={FOLDER / 'manifests' / 'secured'}", namespace=NAMESPACE)
    kubectl("rollout", "status", DEPLOYMENT, f"--timeout={SECONDS}s", namespace=NAMESPACE)
    command = ["kubectl", f"--namespace={NAMESPACE}", "port-forward", DEPLOYMENT, ":8500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarding:
        port = re.search(r"127\.0\.0\.1:(\d+)", forwarding.stdout.readline()).group(1)
        yield f"127.0.0.1:{port}"
        forwarding.terminate()
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def ask(target: str, tls: TlsConfig | None) -> str:
    """The version that answers."""
    with connect(target, tls=tls, timeout_seconds=20, max_attempts=1) as client:
        return client.forecast(make_frame()).model_version


def test_who_has_a_certificate_of_the_authority_is_answered(address):
    proof = TlsConfig(AUTHORITY.certificate, CLIENT.certificate, CLIENT.private_key)
    assert ask(f"grpcs://{address}", proof).startswith("tiny-")


@pytest.mark.parametrize(
    "scheme, tls",
    [
        ("grpc", None),
        ("grpcs", TlsConfig(AUTHORITY.certificate)),
        ("grpcs", TlsConfig(AUTHORITY.certificate, FOREIGN.certificate, FOREIGN.private_key)),
    ],
    ids=["plain text", "no certificate", "signed by a stranger"],
)
def test_nobody_else_is(address, scheme, tls):
    with pytest.raises(CallError):
        ask(f"{scheme}://{address}", tls)
