"""Does what KFP's driver does for a task: resolves what it is given, and says where it leaves its outputs.

The shape of an ExecutorInput is that of KFP 2.17.0's driver, of which the tests keep four.
"""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.kubeflow.bridge.locations import Twins
from pipeline.kubeflow.package import Json, Package, PackageError
from pipeline.kubeflow.rehearsal.conditions import condition_holds
from pipeline.kubeflow.rehearsal.graph import find_component
from pipeline.kubeflow.rehearsal.parameters import hand_over

EXECUTOR_INPUT = "{{$}}"
LOGS_OUTPUT = "executor-logs"
"""KFP adds it to each task for itself."""
SESSION = json.dumps({"Provider": "minio", "Params": {"fromEnv": "true"}})
"""What KFP hands over for itself with each input; no task has use for it."""
_PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(artifacts|parameters)\[['\"](.+?)['\"]\](\.\w+)?\}\}")


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of a package.

    Attributes:
      package: what runs.
      root: URI of the run's folder in the object store.
      arguments: value of each parameter of the pipeline.
    """

    package: Package
    root: str
    arguments: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Outputs:
    """What a task left.

    Attributes:
      artifacts: key -> artifact as KFP hands it to the next task.
      parameters: name -> value.
    """

    artifacts: dict[str, Json]
    parameters: dict[str, Any]


def make_executor_input(run: Run, name: str, ended: Mapping[str, Outputs]) -> Json:
    """The ExecutorInput of a task.

    Args:
      run: the run.
      name: of the task.
      ended: what the tasks before it left.
    Raises:
      PackageError: it takes what no task leaves.
    """
    task = run.package.spec["root"]["dag"]["tasks"][name]
    component = find_component(run.package, name)
    folder = f"{run.root}/{name}/{uuid.uuid4()}"
    given = task.get("inputs", {})
    artifacts = {
        key: {"artifacts": [_find_artifact(source["taskOutputArtifact"], name, ended)]}
        for key, source in given.get("artifacts", {}).items()
    }
    inputs: Json = {"artifacts": artifacts} if artifacts else {}
    if parameters := _resolve_parameters(run, name, given.get("parameters", {}), component, ended):
        inputs["parameterValues"] = parameters
    return {"inputs": inputs, "outputs": _place_outputs(component, folder)}


def is_triggered(run: Run, name: str, executor_input: Mapping[str, Any]) -> bool:
    """Tells whether a task's condition holds; a task without one always runs."""
    task = run.package.spec["root"]["dag"]["tasks"][name]
    condition = task.get("triggerPolicy", {}).get("condition")
    if not condition:
        return True
    inputs = executor_input["inputs"]
    scope = {"artifacts": inputs.get("artifacts", {}), "parameter_values": inputs.get("parameterValues", {})}
    return condition_holds(condition, {"inputs": scope})


def fill_command(container: Mapping[str, Any], executor_input: Mapping[str, Any]) -> list[str]:
    """Command and arguments of a container, with the ExecutorInput in them."""
    text = json.dumps(executor_input)

    def fill(argument: str) -> str:
        return _PLACEHOLDER.sub(_filler(executor_input), argument.replace(EXECUTOR_INPUT, text))

    return [fill(argument) for argument in (*container.get("command", []), *container.get("args", []))]


def _filler(executor_input: Mapping[str, Any]) -> Callable[[re.Match[str]], str]:
    def fill(match: re.Match[str]) -> str:
        side, kind, key, field = match.groups()
        values = executor_input[side]
        if kind == "parameters":
            found = values["parameterValues"][key] if side == "inputs" else values["parameters"][key]
            value = found if side == "inputs" else found["outputFile"]
            return value if isinstance(value, str) else json.dumps(value)
        [artifact] = values["artifacts"][key]["artifacts"]
        return str(Twins().to_local(artifact["uri"]) if field == ".path" else artifact["uri"])

    return fill


def _find_artifact(source: Mapping[str, str], name: str, ended: Mapping[str, Outputs]) -> Json:
    producer, key = source["producerTask"], source["outputArtifactKey"]
    try:
        return ended[producer].artifacts[key]
    except KeyError:
        raise PackageError(
            f"task {name} must take an output of {producer}, got '{key}', which it does not have; "
            "KFP accepts that and fails in the driver"
        ) from None


def _resolve_parameters(
    run: Run, name: str, sources: Mapping[str, Json], component: Json, ended: Mapping[str, Outputs]
) -> Json:
    definitions = component.get("inputDefinitions", {}).get("parameters", {})
    values = {
        key: definition["defaultValue"]
        for key, definition in definitions.items()
        if "defaultValue" in definition
    }
    for key, source in sources.items():
        if parameter := source.get("componentInputParameter"):
            if parameter not in run.arguments:
                raise PackageError(
                    f"task {name} must take a parameter of the pipeline as {key}, got '{parameter}'; "
                    "KFP accepts that and fails in the driver"
                )
            values[key] = run.arguments[parameter]
        elif output := source.get("taskOutputParameter"):
            values[key] = ended[output["producerTask"]].parameters[output["outputParameterKey"]]
        else:
            values[key] = source["runtimeValue"]["constant"]
    return {key: hand_over(value) for key, value in values.items()}


def _place_outputs(component: Json, folder: str) -> Json:
    definitions = component.get("outputDefinitions", {})
    artifacts = {
        key: {"artifacts": [{"name": key, "type": definition["artifactType"], "uri": f"{folder}/{key}"}]}
        for key, definition in definitions.get("artifacts", {}).items()
    }
    logs = {
        "name": LOGS_OUTPUT,
        "type": {"schemaTitle": "system.Artifact"},
        "uri": f"{folder}/{LOGS_OUTPUT}",
    }
    local = Twins().to_local(folder)
    outputs: Json = {
        "artifacts": {**artifacts, LOGS_OUTPUT: {"artifacts": [logs]}},
        "outputFile": f"{local}/output_metadata.json",
    }
    if parameters := definitions.get("parameters"):
        outputs["parameters"] = {key: {"outputFile": f"/tmp/kfp/outputs/{key}"} for key in parameters}
    return outputs


def record_artifact(key: str, number: int, uri: str, metadata: Mapping[str, Any]) -> Json:
    """An artifact as KFP hands it to the next task.

    Args:
      key: under which it was left; KFP shows it by that name.
      number: of the artifact in KFP's store.
      uri: where it is.
      metadata: as the task left it.
    """
    kept = {name: _wrap(value) for name, value in metadata.items()}
    return {
        "name": str(number),
        "type": {"instanceSchema": ""},
        "uri": uri,
        "metadata": {"display_name": key, "store_session_info": SESSION, **kept},
    }


def _wrap(value: Any) -> Any:
    """What KFP's store makes of a metadata value."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return {"list": value}
    return {"struct": value} if isinstance(value, dict) else hand_over(value)
