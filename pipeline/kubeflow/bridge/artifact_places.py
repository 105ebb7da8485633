"""Which artifacts a task has, of which type, and where: read from an ExecutorInput."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import yaml

from components import contract
from pipeline.kubeflow.bridge.artifact_metadata import read_metadata
from pipeline.kubeflow.bridge.bridge_error import BridgeError
from pipeline.kubeflow.bridge.locations import Twins

Json = dict[str, Any]

_LAUNCHER_LOGS = re.compile(r"executor-logs(-\d+)?")
"""An output that KFP adds to each task for itself; TFX does not know its type."""
_FOREIGN_TYPE = "system."

CLASS_PATHS = {
    "marketcast.AuditResult": "components.audit.component.AuditResult",
    "marketcast.BacktestResults": "components.backtest.component.BacktestResults",
    "marketcast.IngestReport": "components.ingest.component.IngestReport",
    "marketcast.PublishedRun": "components.publish.component.PublishedRun",
    "marketcast.UniverseReport": "components.infer.latest_component.UniverseReportArtifact",
    "marketcast.Forecasts": "components.infer.writer.Forecasts",
    "system.HTML": "components.backtest.component.HtmlPage",
}
"""Types of our own, and KFP's that its UI shows: title in a compiled pipeline -> import path.

TFX imports the title itself, but compiles titles of two words only: a class of a top-level module.
"""


@dataclasses.dataclass(frozen=True)
class ArtifactPlace:
    """Where an artifact of the task is.

    Attributes:
      key: of the input or output.
      type_title: TFX's name of its type (tfx.Examples), or the import path of another class.
      uri: in the object store, as KFP knows it.
      path: its local twin.
    """

    key: str
    type_title: str
    uri: str
    path: str


Located = dict[str, list[tuple[ArtifactPlace, Json]]]
"""Key of an input or output -> its artifacts, each with its place."""


def locate_inputs(inputs: Mapping[str, Any], specs: Mapping[str, Json], twins: Twins) -> Located:
    """Finds the input artifacts, without those that say that they stand for 'there is none'.

    Args:
      inputs: ExecutorInput.Inputs.
      specs: key -> ComponentInputsSpec.ArtifactSpec; KFP hands inputs over without their types.
      twins: where the local twins are.
    Raises:
      BridgeError: an artifact without type or URI.
    """
    located: Located = {}
    for key, artifacts in _artifact_lists(inputs).items():
        present = [a for a in artifacts if not read_metadata(a).get(contract.ABSENT_PROPERTY)]
        if present:
            declared = read_field(specs.get(key) or {}, "artifactType") or {}
            located[key] = [(_locate(f"input {key!r}", key, a, declared, twins), a) for a in present]
    return located


def locate_outputs(outputs: Mapping[str, Any], twins: Twins) -> Located:
    """Finds the output artifacts, without the launcher's own; see `locate_inputs`."""
    return {
        key: [(_locate(f"output {key!r}", key, a, {}, twins), a) for a in artifacts]
        for key, artifacts in _artifact_lists(outputs).items()
        if not _LAUNCHER_LOGS.fullmatch(key)
    }


def places_of(located: Located) -> tuple[ArtifactPlace, ...]:
    """All places, in order."""
    return tuple(place for pairs in located.values() for place, _ in pairs)


def read_field(message: Mapping[str, Any], name: str) -> Any:
    """A field of a protobuf message in JSON, whose name may also be written with underscores."""
    return message.get(name, message.get(re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)))


def _artifact_lists(message: Mapping[str, Any]) -> dict[str, list[Json]]:
    entries = (message.get("artifacts") or {}).items()
    return {key: entry["artifacts"] for key, entry in entries if entry.get("artifacts")}


def _locate(name: str, key: str, artifact: Json, declared: Mapping[str, Any], twins: Twins) -> ArtifactPlace:
    title = _type_title(artifact.get("type") or {})
    if not title or title.startswith(_FOREIGN_TYPE):
        title = _type_title(declared)
    if not title:
        raise BridgeError(
            f"{name} must have a type of TFX, got none from KFP nor from the component's inputs; "
            "compile with use_pipeline_spec_2_1=True"
        )
    uri = artifact.get("uri")
    if not uri:
        raise BridgeError(f"{name} must have a URI, got none; set the run's pipeline root")
    return ArtifactPlace(key, title, uri, twins.to_local(uri))


def _type_title(artifact_type: Mapping[str, Any]) -> str:
    """tfx.Examples from {"instanceSchema": "title: tfx.Examples ..."} or {"schemaTitle": "tfx.Examples"}."""
    schema = yaml.safe_load(read_field(artifact_type, "instanceSchema") or "")
    title = schema.get("title") if isinstance(schema, dict) else None
    title = str(title or read_field(artifact_type, "schemaTitle") or "")
    return CLASS_PATHS.get(title, title)
