"""The folder of a rehearsal: made ready for a new run, or for the rest of an earlier one."""

from __future__ import annotations

import pathlib
import shutil
import uuid
from collections.abc import Sequence

from components.errors import ConfigError
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.rehearsal.pods import claim_of
from pipeline.kubeflow.rehearsal.rehearsal import STATE_FILE, read_state
from pipeline.kubeflow.rehearsal.store import ObjectStore

LOCK_FILE = ".lock"


def start_run(folder: pathlib.Path, store: ObjectStore, pipeline: str, pipeline_root: str) -> str:
    """Removes what an earlier rehearsal left; volumes and all else in the store stay.

    Args:
      folder: of the run.
      store: of the run.
      pipeline: name.
      pipeline_root: URI below which artifacts go.
    Returns:
      URI of the new run.
    """
    if (folder / STATE_FILE).exists():
        store.remove(str(read_state(folder)["root"]))
        (folder / STATE_FILE).unlink()
    for part in ("twins", "logs"):
        shutil.rmtree(folder / part, ignore_errors=True)
    return f"{pipeline_root.rstrip('/')}/{pipeline}/{uuid.uuid4()}"


def find_volumes(
    assignments: Sequence[str], package: Package, folder: pathlib.Path
) -> dict[str, pathlib.Path]:
    """A folder for each claim of the package: the one that is given, or one of the run's folder.

    Args:
      assignments: CLAIM=FOLDER.
      package: what runs.
      folder: of the run.
    Raises:
      ConfigError: an assignment is none, or names no claim of the package.
    """
    kubernetes = package.platform.get("platforms", {}).get("kubernetes", {})
    pods = kubernetes.get("deploymentSpec", {}).get("executors", {}).values()
    claims = {claim_of(mount) for pod in pods for mount in pod.get("pvcMount", [])} - {""}
    volumes = {claim: folder / "volumes" / claim for claim in claims}
    for assignment in assignments:
        claim, equals, path = assignment.partition("=")
        if not equals or not path or claim not in claims:
            raise ConfigError(
                f"--volume must be CLAIM=FOLDER, the claim among {', '.join(sorted(claims)) or 'none'}, "
                f"got '{assignment}'; mend it"
            )
        volumes[claim] = pathlib.Path(path).absolute()
    return volumes
