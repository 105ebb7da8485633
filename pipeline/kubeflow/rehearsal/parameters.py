"""The parameters of a run and of its tasks, by KFP's rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.errors import ConfigError
from pipeline.kubeflow.package import Json
from pipeline.kubeflow.rehearsal.errors import TaskError

STRING = "STRING"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    STRING: ("a text", lambda value: isinstance(value, str)),
    "NUMBER_INTEGER": ("a number", _is_number),
    "NUMBER_DOUBLE": ("a number", _is_number),
    "BOOLEAN": ("true or false", lambda value: isinstance(value, bool)),
    "LIST": ("a JSON list", lambda value: isinstance(value, list)),
    "STRUCT": ("a JSON object", lambda value: isinstance(value, dict)),
}
_TRUTHS = {"1", "t", "T", "TRUE", "true", "True"}
_FALSEHOODS = {"0", "f", "F", "FALSE", "false", "False"}


def parse_arguments(assignments: Sequence[str], definitions: Mapping[str, Json]) -> dict[str, Any]:
    """Reads KEY=VALUE as the pipeline's parameters want them: a text as it stands, all else as JSON.

    Args:
      assignments: of the command line.
      definitions: parameters of the pipeline's inputDefinitions.
    Raises:
      ConfigError: no `=`, or a value that is no JSON where one is wanted.
    """
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--param must be KEY=VALUE, got '{assignment}'; such as --param seed=2")
        values[name] = text
        if definitions.get(name, {}).get("parameterType", STRING) != STRING:
            try:
                values[name] = json.loads(text)
            except json.JSONDecodeError:
                raise ConfigError(_wrong_type(name, definitions[name], text)) from None
    return values


def resolve_arguments(given: Mapping[str, Any], definitions: Mapping[str, Json]) -> dict[str, Any]:
    """The value of each parameter of a run.

    Raises:
      ConfigError: an unknown parameter, one without a value, or a value of a wrong type; KFP refuses the run.
    """
    if unknown := sorted(set(given) - set(definitions)):
        raise ConfigError(
            f"--param must name parameters of the pipeline ({', '.join(sorted(definitions))}), "
            f"got {', '.join(unknown)}; KFP would say: parameter(s) provided are not required by pipeline"
        )
    values = {}
    for name, definition in definitions.items():
        if name not in given and "defaultValue" not in definition:
            if definition.get("isOptional"):
                continue
            raise ConfigError(
                f"parameter {name} must be given, got nothing; KFP would say: parameter {name} is not "
                "optional, yet has neither default value nor user provided value"
            )
        value = given.get(name, definition.get("defaultValue"))
        if not _KINDS[definition["parameterType"]][1](value):
            raise ConfigError(_wrong_type(name, definition, value))
        values[name] = value
    return values


def fit_input(name: str, value: Any, definition: Mapping[str, Any]) -> Any:
    """A task's input parameter as the driver hands it over: whatever goes into a text becomes one.

    Args:
      name: of the parameter.
      value: that was resolved for it.
      definition: of the component's inputDefinitions.
    Raises:
      TaskError: the value is of another type.
    Source: resolveInputs in KFP's backend/src/v2/driver/resolve.go.
    """
    kind = definition.get("parameterType", "")
    if kind == STRING:
        return to_text(value)
    if kind in _KINDS and not _KINDS[kind][1](value):
        raise TaskError(
            f'input parameter "{name}" must be {_KINDS[kind][0]}, got {value!r}; '
            f"KFP's driver fails: type mismatch: expect {kind}"
        )
    return hand_over(value)


def read_output(name: str, text: str, definition: Mapping[str, Any]) -> Any:
    """An output parameter from the text of its file.

    Raises:
      TaskError: the text is no value of the parameter's type.
    Source: TextToPbValue in KFP's backend/src/v2/metadata/converter.go.
    """
    kind = definition.get("parameterType", STRING)
    try:
        return _parse(text, kind)
    except ValueError:
        raise TaskError(
            f"output parameter {name} must be {_KINDS[kind][0]} ({kind}), got {text[:80]!r}; "
            "KFP's launcher fails: failed to read output parameter"
        ) from None


def to_text(value: Any) -> str:
    """A value where KFP wants a text: a text as it stands, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(hand_over(value))


def hand_over(value: Any) -> Any:
    """A value as the driver writes it: protobuf knows one kind of number, and writes 1.0 as 1."""
    if isinstance(value, list):
        return [hand_over(item) for item in value]
    if isinstance(value, dict):
        return {key: hand_over(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _parse(text: str, kind: str) -> Any:
    if kind == STRING:
        return text
    if kind == "NUMBER_INTEGER":
        return int(text)
    if kind == "NUMBER_DOUBLE":
        return float(text)
    if kind == "BOOLEAN":
        if text.strip() not in _TRUTHS | _FALSEHOODS:
            raise ValueError(text)
        return text.strip() in _TRUTHS
    value = json.loads(text)
    if not _KINDS[kind][1](value):
        raise ValueError(text)
    return value


def _wrong_type(name: str, definition: Mapping[str, Any], value: Any) -> str:
    kind = definition["parameterType"]
    return f"parameter {name} must be {_KINDS[kind][0]} ({kind}), got {value!r}; KFP refuses the run"
