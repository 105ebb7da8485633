"""k8s/components/sync on a real Kubernetes: pods take their models from an object store that speaks S3."""

from __future__ import annotations

import json
import pathlib

import boto3
import pytest
from moto.server import ThreadedMotoServer

from components import contract
from tests.cluster.layout import NODE_ADDRESS
from tests.cluster.scene import DEPLOYMENT, FOLDER, SECONDS, execute, kubectl
from tests.cluster.test_serving import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stack")]
NAMESPACE = "marketcast-synced"
PORT = 9000
BUCKET = "marketcast-models"
KEY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret"}


class Bucket:
    """What the pipeline pushed to the object store."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "s3",
            endpoint_url=f"http://{NODE_ADDRESS}:{PORT}",
            region_name="us-east-1",
            aws_access_key_id=KEY["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEY["AWS_SECRET_ACCESS_KEY"],
        )
        self.client.create_bucket(Bucket=BUCKET)

    def push(self, folder: pathlib.Path, damaged: str = "") -> None:
        """Uploads a version, its manifest last; `damaged` names a file whose last byte is another."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in sorted(files, key=lambda path: path.name == contract.MANIFEST_FILE):
            content = path.read_bytes()
            if path.name == damaged:
                content = content[:-1] + bytes([content[-1] ^ 1])
            name = f"{contract.MODEL_NAME}/{folder.name}/{path.relative_to(folder)}"
            self.client.put_object(Bucket=BUCKET, Key=name, Body=content)


@pytest.fixture(scope="module")
def bucket(exported):
    """A real S3 server on the node, with version 1."""
    server = ThreadedMotoServer(ip_address="0.0.0.0", port=PORT, verbose=False)
    server.start()
    try:
        made = Bucket()
        made.push(exported[1])
        yield made
    finally:
        server.stop()


@pytest.fixture(scope="module")
def synced(bucket):
    """overlays/local with the component, its credentials in a Secret."""
    kubectl("create", "namespace", NAMESPACE)
    credentials = [f"--from-literal={name}={value}" for name, value in KEY.items()]
    kubectl("create", "secret", "generic", "marketcast-store", *credentials, namespace=NAMESPACE)
    folder = FOLDER / "manifests" / "synced"
    kubectl("apply", f"--kustomize={folder}", namespace=NAMESPACE)
    kubectl("rollout", "status", DEPLOYMENT, f"--timeout={SECONDS}s", namespace=NAMESPACE)
    yield bucket
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_a_pushed_version_is_synced_in_and_a_damaged_one_never_served(synced, exported):
    assert served_version() == "tiny-1"
    synced.push(exported[2], damaged="saved_model.pb")
    wait_for(lambda: damaged_rounds() > 0)
    assert served_version() == "tiny-1"
    synced.push(exported[3])
    wait_for(lambda: served_version() == "tiny-3")


def test_what_the_pipeline_pushed_is_served(synced, pipeline_run):
    assert pipeline_run.exit_code == 0, pipeline_run.screen
    pushed = pipeline_run.folder / pipeline_run.report["paths"]["model"]
    record = json.loads((pushed / contract.ASSETS_EXTRA / contract.RECORD_FILE).read_text())
    synced.push(pushed)
    wait_for(lambda: served_version() == record["model_version"])


def served_version() -> str:
    """The version that answers a pod of another namespace."""
    address = f"dns:///marketcast-grpc.{NAMESPACE}:8500"
    command = ["marketcast", "forecast", "--ticker=AAPL", "--data=/app/data/raw/stock_prices.csv", "--json"]
    return json.loads(execute("client", *command, f"--address={address}"))["model_version"]


def damaged_rounds() -> float:
    """How often the sync met a damaged version."""
    lines = [line for line in figures().splitlines() if 'reason="damaged"' in line]
    return sum(float(line.split()[-1]) for line in lines)


def figures() -> str:
    """What the sync tells Prometheus."""
    read = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
    command = ["exec", DEPLOYMENT, "--container=sync", "--", "python", "-c", read]
    return kubectl(*command, namespace=NAMESPACE)
