"""The parameters of a run and of its tasks, by KFP's rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.errors import ConfigError
from pipeline.kubeflow.package import Json

_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "STRING": ("a text", lambda value: isinstance(value, str)),
    "NUMBER_INTEGER": ("a number", lambda value: _is_number(value)),
    "NUMBER_DOUBLE": ("a number", lambda value: _is_number(value)),
    "BOOLEAN": ("true or false", lambda value: isinstance(value, bool)),
    "LIST": ("a JSON list", lambda value: isinstance(value, list)),
    "STRUCT": ("a JSON object", lambda value: isinstance(value, dict)),
}


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
        if definitions.get(name, {}).get("parameterType", "STRING") != "STRING":
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


def hand_over(value: Any) -> Any:
    """A value as the driver writes it: protobuf knows one kind of number, and writes 1.0 as 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_type(name: str, definition: Mapping[str, Any], value: Any) -> str:
    kind = definition["parameterType"]
    return f"parameter {name} must be {_KINDS[kind][0]} ({kind}), got {value!r}; KFP refuses the run"
