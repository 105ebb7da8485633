"""Turns TFX's output metadata into what KFP's launcher, which reads it strictly, takes and understands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.kubeflow.bridge.artifact_metadata import map_texts, write_metadata
from pipeline.kubeflow.bridge.artifact_places import ArtifactPlace, Json
from pipeline.kubeflow.bridge.bridge_error import BridgeError
from pipeline.kubeflow.bridge.executor_input import Task
from pipeline.kubeflow.bridge.locations import Twins


def write_executor_output(tfx_output: str, task: Task, twins: Twins) -> str:
    """Rewrites the output metadata.

    Args:
      tfx_output: JSON of the ExecutorOutput that TFX wrote, with local paths.
      task: of which it is the output.
      twins: where the local twins are.
    Returns:
      JSON of an ExecutorOutput that holds the declared outputs only, URIs for local paths and no null.
    Raises:
      BridgeError: an output was moved, or a local path is left.
    """
    given = json.loads(tfx_output)
    artifacts = {}
    for place in task.outputs:
        if written := (given.get("artifacts") or {}).get(place.key, {}).get("artifacts"):
            artifacts[place.key] = {"artifacts": [_rewrite(written[0], place, twins)]}
    values = {
        name: map_texts(value, twins.restore)
        for name, value in (given.get("parameterValues") or {}).items()
        if name in task.output_parameters and value is not None
    }
    paths = [place.path for place in (*task.inputs, *task.outputs) if place.path != place.uri]
    for key, entry in artifacts.items():
        check_no_local_path(entry, paths, f"output {key!r}")
    for name, value in values.items():
        check_no_local_path(value, paths, f"output parameter {name!r}")
    return json.dumps({"artifacts": artifacts, "parameterValues": values}, allow_nan=False, sort_keys=True)


def add_driver_output(executor_input: Json, driver_output: str) -> Json:
    """The ExecutorInput after an ExampleGen's driver has run.

    Args:
      executor_input: as the driver got it.
      driver_output: JSON of the driver's ExecutorOutput; its parameters TFX takes from the file itself, its
        metadata of the outputs (span, fingerprint) nobody would.
    """
    lists = {key: dict(entry) for key, entry in executor_input["outputs"]["artifacts"].items()}
    for key, entry in (json.loads(driver_output).get("artifacts") or {}).items():
        (before,), (found,) = lists[key]["artifacts"], entry["artifacts"]
        metadata = {**before["metadata"], **(found.get("metadata") or {})}
        lists[key] = {"artifacts": [{**before, "metadata": metadata}]}
    outputs = {**executor_input["outputs"], "artifacts": lists}
    return {**executor_input, "outputs": outputs}


def check_no_local_path(value: Any, paths: Iterable[str], owner: str) -> None:
    """Refuses a JSON value that names a local twin of this task anywhere.

    Raises:
      BridgeError: it does; the consumer, in another container, would find nothing there.
    """
    known = tuple(paths)

    def check(text: str) -> str:
        for path in known:
            if path in text:
                raise BridgeError(
                    f"{owner} must not name a path of its container, got {text!r}; "
                    "let the component record the artifact's uri, as a text of its own"
                )
        return text

    map_texts(value, check)


def _rewrite(artifact: Mapping[str, Any], place: ArtifactPlace, twins: Twins) -> Json:
    uri = twins.to_uri(artifact.get("uri") or place.path)
    if uri != place.uri:
        raise BridgeError(
            f"output {place.key!r} must stay at {place.uri}, where KFP records it, got {uri}; "
            "let the component write to the uri that it is given"
        )
    metadata = write_metadata(artifact.get("metadata") or {}, twins.restore, f"output {place.key!r}")
    return {"uri": uri, "metadata": metadata}
