"""The serving stack of k8s/overlays/local on the test cluster, once for all tests."""

from __future__ import annotations

import json
import os
import pathlib

import pytest

from components import contract
from components.push import manifest
from tests.cluster.scene import (
    CONTAINER_USER,
    DEPLOYMENT,
    FOLDER,
    NAMESPACE,
    ROOT,
    SECONDS,
    ModelStore,
    kubectl,
    offer_volume,
)

VERSIONS = (1, 2, 3)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[int, pathlib.Path]:
    """Versions with a record of being blessed, and a manifest."""
    from tests.serving import tiny_model

    base = tmp_path_factory.mktemp("exported")
    for version in VERSIONS:
        folder = base / str(version)
        tiny_model.save_tiny_model(folder, f"tiny-{version}")
        record = {
            "push": {"version": version, "time": "2026-01-02T03:04:05+00:00"},
            "verdict": {"blessed": True, "reasons": []},
            "metrics": {"skill_ewma_h1": 0.0134},
        }
        (folder / contract.ASSETS_EXTRA / contract.RECORD_FILE).write_text(json.dumps(record))
        manifest.write_manifest(str(folder))
    return {version: base / str(version) for version in VERSIONS}


@pytest.fixture(scope="session")
def volume() -> pathlib.Path:
    """A folder of the node that the container's user may write."""
    volumes = os.environ.get("MARKETCAST_CLUSTER_VOLUMES")
    if not volumes:
        pytest.fail("these tests must run in the cluster's network; run `make cluster-test`")
    folder = pathlib.Path(volumes) / "models"
    folder.mkdir(parents=True)
    os.chown(folder, CONTAINER_USER, CONTAINER_USER)
    return folder


@pytest.fixture(scope="session")
def stack(volume: pathlib.Path, exported: dict[int, pathlib.Path]) -> ModelStore:
    """overlays/local and version 1, by docs/deploy.md's commands, with pods of a client and an operator."""
    offer_volume(volume, NAMESPACE)
    kubectl("apply", f"--kustomize={ROOT / 'k8s' / 'overlays' / 'local'}")
    kubectl("create", "configmap", "scripts", f"--from-file={FOLDER / 'load.py'}")
    kubectl("apply", f"--filename={FOLDER / 'manifests' / 'pods.yaml'}")
    kubectl("rollout", "status", "deployment/marketcast-loader", f"--timeout={SECONDS}s")
    store = ModelStore(exported)
    store.push(1)
    # The autoscaler asks for the second pod, a little after the first.
    kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", DEPLOYMENT, f"--timeout={SECONDS}s")
    kubectl("wait", "--for=condition=Ready", "pod/client", "pod/operator", f"--timeout={SECONDS}s")
    return store
