"""The serving stack of k8s/overlays/local on the test cluster, once for all tests."""

from __future__ import annotations

import json
import os
import pathlib
import string

import pytest

from components import contract
from components.push import manifest
from tests.cluster.scene import DEPLOYMENT, FOLDER, ROOT, SECONDS, ModelStore, kubectl

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
def store(exported: dict[int, pathlib.Path]) -> ModelStore:
    """A volume with version 1."""
    volumes = os.environ.get("MARKETCAST_CLUSTER_VOLUMES")
    if not volumes:
        pytest.fail("these tests must run in the cluster's network; run `make cluster-test`")
    folder = pathlib.Path(volumes) / "models"
    store = ModelStore(folder, exported)
    store.push(1)
    return store


@pytest.fixture(scope="session")
def stack(store: ModelStore) -> ModelStore:
    """overlays/local, applied by the README's command, with pods of a client and an operator."""
    volume = string.Template((FOLDER / "manifests" / "volume.yaml").read_text())
    kubectl("apply", "--filename=-", text=volume.substitute(VOLUME=store.folder))
    kubectl("apply", f"--kustomize={ROOT / 'k8s' / 'overlays' / 'local'}")
    kubectl("create", "configmap", "scripts", f"--from-file={FOLDER / 'load.py'}")
    kubectl("apply", f"--filename={FOLDER / 'manifests' / 'pods.yaml'}")
    # The autoscaler asks for the second pod, a little after the first.
    kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", DEPLOYMENT, f"--timeout={SECONDS}s")
    kubectl("wait", "--for=condition=Ready", "pod/client", "pod/operator", f"--timeout={SECONDS}s")
    return store
