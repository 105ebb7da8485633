"""Turns the ExecutorInput of KFP's driver into one that TFX's run executor takes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.kubeflow.bridge.artifact_metadata import map_texts, read_metadata
from pipeline.kubeflow.bridge.artifact_places import (
    ArtifactPlace,
    Json,
    Located,
    locate_inputs,
    locate_outputs,
    places_of,
    read_field,
)
from pipeline.kubeflow.bridge.bridge_error import BridgeError
from pipeline.kubeflow.bridge.locations import Twins


@dataclasses.dataclass(frozen=True)
class Task:
    """One task, as the bridge hands it to TFX and takes it back.

    Attributes:
      executor_input: the ExecutorInput for TFX: local paths only, each artifact with its type.
      inputs: the input artifacts that are there.
      outputs: the output artifacts, without the launcher's own.
      output_parameters: names of the outputs that KFP reads as values.
      output_file: local path at which the launcher reads the output metadata.
    """

    executor_input: Json
    inputs: tuple[ArtifactPlace, ...]
    outputs: tuple[ArtifactPlace, ...]
    output_parameters: frozenset[str]
    output_file: str


def read_executor_input(executor_input: str, inputs_spec: str, twins: Twins) -> Task:
    """Reads what the launcher puts for `{{$}}`.

    Args:
      executor_input: JSON of the ExecutorInput.
      inputs_spec: JSON of the component's ComponentInputsSpec, which knows the types that KFP leaves out;
        empty where the task was compiled without it.
      twins: where the local twins are.
    Raises:
      BridgeError: no JSON, an artifact without type or URI, or no output file.
    """
    given = _parse(executor_input, "--json_serialized_invocation_args")
    spec = _parse(inputs_spec, "--json_serialized_inputs_spec_args") if inputs_spec else {}
    given_inputs, given_outputs = given.get("inputs") or {}, given.get("outputs") or {}
    inputs = locate_inputs(given_inputs, spec.get("artifacts") or {}, twins)
    outputs = locate_outputs(given_outputs, twins)
    output_file = twins.place(read_field(given_outputs, "outputFile") or "")
    if not output_file:
        raise BridgeError("the ExecutorInput must name its output file, got none; pass the launcher's {{$}}")
    output_parameters = given_outputs.get("parameters") or {}
    localize = _to_known_twin((*places_of(inputs), *places_of(outputs)))
    adapted = {
        "inputs": {
            "artifacts": _rebuild(inputs, localize),
            "parameters": given_inputs.get("parameters") or {},
            "parameterValues": _type_parameters(
                read_field(given_inputs, "parameterValues") or {}, spec.get("parameters") or {}
            ),
        },
        "outputs": {
            "artifacts": _rebuild(outputs, localize),
            "parameters": output_parameters,
            "outputFile": output_file,
        },
    }
    return Task(adapted, places_of(inputs), places_of(outputs), frozenset(output_parameters), output_file)


def move_output_file(task: Task, output_file: str) -> Task:
    """The task with its output metadata elsewhere."""
    outputs = {**task.executor_input["outputs"], "outputFile": output_file}
    adapted = {**task.executor_input, "outputs": outputs}
    return dataclasses.replace(task, executor_input=adapted, output_file=output_file)


def add_parameters(task: Task, values: Mapping[str, str]) -> Task:
    """The task with parameters besides its own."""
    inputs = task.executor_input["inputs"]
    added = {**inputs, "parameterValues": {**inputs["parameterValues"], **values}}
    return dataclasses.replace(task, executor_input={**task.executor_input, "inputs": added})


def _parse(text: str, flag: str) -> Json:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise BridgeError(f"{flag} must be JSON, got text with an error ({error}); compile again") from None
    if not isinstance(value, dict):
        raise BridgeError(f"{flag} must be a JSON object, got a {type(value).__name__}; compile again")
    return value


def _rebuild(located: Located, localize: Callable[[str], str]) -> Json:
    """Artifact lists with local paths, whole types and plain metadata."""
    return {
        key: {"artifacts": [_rebuild_artifact(place, artifact, localize) for place, artifact in pairs]}
        for key, pairs in located.items()
    }


def _rebuild_artifact(place: ArtifactPlace, artifact: Json, localize: Callable[[str], str]) -> Json:
    return {
        # TFX makes a number of the name, and the Evaluator's blessing wants the name back.
        "name": artifact.get("name") or place.uri,
        "type": {"schemaTitle": place.type_title},
        "uri": place.path,
        "metadata": map_texts(read_metadata(artifact), localize),
    }


def _to_known_twin(places: tuple[ArtifactPlace, ...]) -> Callable[[str], str]:
    """Translates the URIs of this task's own artifacts: nothing else has a twin here."""

    def localize(text: str) -> str:
        for place in places:
            if text == place.uri or text.startswith(f"{place.uri}/"):
                return place.path + text.removeprefix(place.uri)
        return text

    return localize


def _type_parameters(values: Mapping[str, Any], specs: Mapping[str, Json]) -> Json:
    """Makes booleans of the numbers that KFP hands over for them; a null counts as not given."""
    typed: Json = {}
    for name, value in values.items():
        is_boolean = read_field(specs.get(name) or {}, "parameterType") == "BOOLEAN"
        if value is not None:
            typed[name] = bool(value) if is_boolean and isinstance(value, int | float) else value
    return typed
