"""ExecutorInputs for tests: the real ones of KFP 2.17.0's driver, and some built as it builds them."""

from __future__ import annotations

import json
import pathlib
from typing import Any

FOLDER = pathlib.Path(__file__).parents[3] / "fixtures" / "executor_inputs"
REAL_TASKS = ("CsvExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator")
RUN_URI = "minio://mlpipeline/v2/artifacts/tiny/run-1"
SESSION = json.dumps(
    {"Provider": "minio", "Params": {"endpoint": "store.kubeflow:9000", "secretName": "secret-1"}}
)

INPUT_TYPES = {
    "StatisticsGen": {"examples": "tfx.Examples"},
    "SchemaGen": {"statistics": "tfx.ExampleStatistics"},
    "ExampleValidator": {"statistics": "tfx.ExampleStatistics", "schema": "tfx.Schema"},
    "CsvExampleGen": {},
}
"""What TFX's compiler writes into the inputs' spec of the real tasks."""


def read_real(task: str) -> str:
    """The ExecutorInput that the driver handed to a task, as text."""
    return (FOLDER / f"{task}.executor_input.json").read_text()


def schema_of(title: str) -> dict[str, str]:
    return {"instanceSchema": f"title: {title}\ntype: object\n"}


def make_spec(types: dict[str, str], parameters: dict[str, str] | None = None) -> str:
    """ComponentInputsSpec: input key -> title of its type, parameter -> its type."""
    return json.dumps(
        {
            "artifacts": {key: {"artifactType": schema_of(title)} for key, title in types.items()},
            "parameters": {key: {"parameterType": kind} for key, kind in (parameters or {}).items()},
        }
    )


def make_input(uri: str, **metadata: Any) -> dict[str, Any]:
    """An input artifact: no type, and KFP's own metadata beside the producer's."""
    own = {"display_name": uri.rsplit("/", 1)[-1], "store_session_info": SESSION}
    return {"name": "59", "type": {"instanceSchema": ""}, "uri": uri, "metadata": own | metadata}


def make_executor_input(
    task: str,
    inputs: dict[str, dict[str, Any]],
    outputs: dict[str, str],
    parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An ExecutorInput as the driver of KFP 2.17.0 builds it.

    Args:
      task: name of the task, part of each URI.
      inputs: key -> artifact of `make_input`.
      outputs: key -> title of its type.
      parameters: values of the parameters.
    """
    folder = f"{RUN_URI}/{task}/uuid-{task}"
    artifacts = {
        key: {"name": key, "type": schema_of(t), "uri": f"{folder}/{key}"} for key, t in outputs.items()
    }
    artifacts["executor-logs"] = {
        "name": "executor-logs",
        "type": {"schemaTitle": "system.Artifact"},
        "uri": f"{folder}/executor-logs",
    }
    return {
        "inputs": {
            "artifacts": {key: {"artifacts": [artifact]} for key, artifact in inputs.items()},
            "parameterValues": parameters or {},
        },
        "outputs": {
            "artifacts": {key: {"artifacts": [artifact]} for key, artifact in artifacts.items()},
            "outputFile": folder.replace("minio://", "/minio/") + "/output_metadata.json",
        },
    }
