"""The custom resource definitions that operators bring, out of their Go modules, once.

go/crds/go.mod and its go.sum say which. The operators themselves do not run: the API server checks
their resources, and nobody acts on them.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from tests.cluster import binaries
from tests.cluster.layout import ClusterError, Layout

GO_MODULE = binaries.GO_MODULES / "crds"
DEFINITIONS = {
    "github.com/cert-manager/cert-manager": "deploy/crds/cert-manager.io_*.yaml",
    "github.com/external-secrets/external-secrets": "config/crds/bases/external-secrets.io_*.yaml",
    "github.com/kserve/kserve": "config/crd/full/serving.kserve.io_*.yaml",
    "github.com/prometheus-operator/prometheus-operator": "example/prometheus-operator-crd/*_*.yaml",
}
"""Where each Go module keeps them."""


def locate(layout: Layout) -> pathlib.Path:
    """The folder of the definitions, a file each; it is there after `fetch`."""
    digest = hashlib.sha256(json.dumps(DEFINITIONS).encode())
    for file in sorted(GO_MODULE.iterdir()):
        digest.update(file.read_bytes())
    return layout.binaries / f"crds-{digest.hexdigest()[:12]}"


def fetch(layout: Layout) -> None:
    """Copies the definitions out of their modules when they are not there yet.

    Raises:
      ClusterError: a module cannot be had, or has none.
    """
    target = locate(layout)
    if target.exists():
        return
    go = binaries.find_go(layout)
    layout.binaries.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=layout.binaries) as scratch:
        unfinished = pathlib.Path(scratch, "crds")
        unfinished.mkdir()
        for module, pattern in DEFINITIONS.items():
            files = sorted(_download(go, module).glob(pattern))
            if not files:
                raise ClusterError(f"{module} must have {pattern}, got no file; name the folder it has now")
            for file in files:
                shutil.copy(file, unfinished / file.name)
        unfinished.rename(target)


def _download(go: str, module: str) -> pathlib.Path:
    ended = subprocess.run(
        [go, "mod", "download", "-json", module],
        cwd=GO_MODULE,
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise ClusterError(f"{module} must be had from a module proxy, got: {ended.stdout} {ended.stderr}")
    return pathlib.Path(json.loads(ended.stdout)["Dir"])
