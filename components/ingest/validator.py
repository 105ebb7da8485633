"""An ExampleValidator that stops the run: an anomaly is an error, not a note in an artifact."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from components.errors import InputError

NODE_ID = "ExampleValidator"
MAX_ANOMALIES_SHOWN = 5


class Executor(executor.Executor):
    """Validates as TFX does, then raises an InputError if any split has an anomaly."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> execution_result_pb2.ExecutorOutput:
        """Runs the validation; see tfx's Executor."""
        result = super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict[standard_component_specs.ANOMALIES_KEY])
        raise_anomalies(read_anomalies(artifact))
        return result


class StrictExampleValidator(component.ExampleValidator):
    """tfx's ExampleValidator with an executor that raises; takes the same arguments."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, **channels: Any) -> None:
        """Makes the component; see tfx's ExampleValidator."""
        super().__init__(**channels)
        self.with_id(NODE_ID)


def read_anomalies(artifact: types.Artifact) -> dict[str, anomalies_pb2.Anomalies]:
    """Reads an ExampleAnomalies artifact: split -> anomalies."""
    anomalies = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), executor.DEFAULT_FILE_NAME)
        anomalies[split] = anomalies_pb2.Anomalies.FromString(io_utils.read_bytes_file(path))
    return anomalies


def raise_anomalies(anomalies: Mapping[str, anomalies_pb2.Anomalies]) -> None:
    """Raises one InputError that names split, feature and reason of the first anomalies.

    Args:
      anomalies: split -> what the schema forbids and the examples hold.
    """
    messages = []
    for split, found in anomalies.items():
        named = [("the split", found.dataset_anomaly_info)] if found.HasField("dataset_anomaly_info") else []
        named += [(f"feature {name}", info) for name, info in sorted(found.anomaly_info.items())]
        messages += [f"split {split}, {name}: {info.description}" for name, info in named]
    if messages:
        raise InputError(
            f"examples must fit components/ingest/schema.pbtxt, got {len(messages)} anomalies: "
            f"{'; '.join(messages[:MAX_ANOMALIES_SHOWN])}; mend the bars, or the schema if it is too narrow"
        )
