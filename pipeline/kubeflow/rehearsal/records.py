"""What a task left, as KFP records it and hands it to the next task."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pipeline.kubeflow.package import Json
from pipeline.kubeflow.rehearsal.parameters import hand_over

SECRET_NAME = "mlpipeline-minio-artifact"
SESSION = json.dumps(
    {
        "Provider": "minio",
        "Params": {
            "accessKeyKey": "accesskey",
            "disableSSL": "true",
            "endpoint": "seaweedfs.kubeflow:9000",
            "fromEnv": "false",
            "maxRetries": "5",
            "region": "minio",
            "secretKeyKey": "secretkey",
            "secretName": SECRET_NAME,
        },
    },
    separators=(",", ":"),
)
"""What KFP hands over for itself with each input. No task has use for it, or may log it."""
IMPORTED_SESSION = json.dumps({"Provider": "minio", "Params": {"fromEnv": "true"}}, separators=(",", ":"))


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What a task left.

    Attributes:
      artifacts: key -> artifact as KFP hands it to the next task.
      parameters: name -> value.
    """

    artifacts: dict[str, Json]
    parameters: dict[str, Any]


def record_artifact(
    key: str, number: int, uri: str, metadata: Mapping[str, Any], session: str = SESSION
) -> Json:
    """An artifact as KFP hands it to the next task.

    Args:
      key: under which it was left; KFP shows it by that name.
      number: of the artifact in KFP's store.
      uri: where it is.
      metadata: as the task left it.
      session: how its store is reached.
    """
    kept = {name: _wrap(value) for name, value in metadata.items()}
    return {
        "name": str(number),
        "type": {"instanceSchema": ""},
        "uri": uri,
        "metadata": {"display_name": key, "store_session_info": session, **kept},
    }


def _wrap(value: Any) -> Any:
    """What KFP's store makes of a metadata value."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return {"list": value}
    return {"struct": value} if isinstance(value, dict) else hand_over(value)
