"""The parameters of a run: those of the package, with what the operator gave, in the types of the package."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.errors import ConfigError
from pipeline.kubeflow.package import Json

MAX_EXACT = 2**53
"""KFP keeps every number as a double."""


@dataclasses.dataclass(frozen=True)
class ParameterType:
    """How one of KFP's parameter types is written.

    Attributes:
      words: what a value looks like.
      refusal: what KFP says of a value of another type.
      parse: text -> value; a ValueError is a refusal.
    """

    words: str
    refusal: str
    parse: Callable[[str], Any]


def resolve_parameters(spec: Json, assignments: Sequence[str]) -> dict[str, Any]:
    """Every parameter of the pipeline with its value; nothing is left for KFP to fill in.

    Args:
      spec: PipelineSpec as JSON.
      assignments: `NAME=VALUE`, as typed.
    Raises:
      ConfigError: KFP would refuse: an unknown name, a wrong type, a name without a value; or a name twice.
    """
    definitions = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    given = _parse_assignments(definitions, assignments)
    values: dict[str, Any] = {}
    for name, definition in definitions.items():
        if name in given:
            values[name] = given[name]
        elif "defaultValue" in definition:
            values[name] = definition["defaultValue"]
        elif not definition.get("isOptional"):
            raise ConfigError(
                f"parameter {name} must have a value, got none; give --param {name}=VALUE (KFP would say: "
                f"parameter {name} is not optional, yet has neither default value nor user provided value)"
            )
    return values


def _parse_assignments(definitions: Mapping[str, Json], assignments: Sequence[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name:
            raise ConfigError(f"--param must be NAME=VALUE, got '{assignment}'; such as --param seed=2")
        if name not in definitions:
            raise ConfigError(_describe_unknown(name, list(definitions)))
        if name in values:
            raise ConfigError(f"--param {name} must be given once, got it again; take one out")
        values[name] = parse_value(name, definitions[name]["parameterType"], text)
    return values


def parse_value(name: str, type_name: str, text: str) -> Any:
    """A value in the type that the package says.

    Raises:
      ConfigError: the text is no value of that type.
    """
    kind = TYPES.get(type_name)
    if kind is None:
        raise ConfigError(
            f"parameter {name} must have a type that can be given here, got {type_name}; compile it again"
        )
    try:
        return kind.parse(text)
    except ValueError:
        raise ConfigError(
            f"parameter {name} must be {kind.words}, got '{text}'; "
            f"mend it (KFP would say: input parameter {name} {kind.refusal})"
        ) from None


def _describe_unknown(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    mend = f"did you mean {nearest[0]}?" if nearest else "take it out"
    return (
        f"--param must name one of {', '.join(known) or 'none, there are no parameters'}, got '{name}'; "
        f"{mend} (KFP would say: parameter(s) provided are not required by pipeline: {name})"
    )


def _parse_integer(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]+", text) or abs(int(text)) > MAX_EXACT:
        raise ValueError(text)
    return int(text)


def _parse_double(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _parse_boolean(text: str) -> bool:
    return {"true": True, "false": False}[text] if text in ("true", "false") else _refuse(text)


def _parse_list(text: str) -> Any:
    value = json.loads(text, parse_constant=_refuse)
    return value if isinstance(value, list) else _refuse(text)


def _parse_struct(text: str) -> Any:
    value = json.loads(text, parse_constant=_refuse)
    return value if isinstance(value, dict) else _refuse(text)


def _refuse(text: str) -> Any:
    raise ValueError(text)


_NO_NUMBER = "requires type double or integer, but the parameter value is not of number value type"
_NO_OTHER = "requires type {0}, but the input parameter is not of {0} value type"

TYPES = {
    "STRING": ParameterType("text", _NO_OTHER.format("string"), str),
    "NUMBER_INTEGER": ParameterType("a whole number", _NO_NUMBER, _parse_integer),
    "NUMBER_DOUBLE": ParameterType("a number", _NO_NUMBER, _parse_double),
    "BOOLEAN": ParameterType("true or false", _NO_OTHER.format("bool"), _parse_boolean),
    "LIST": ParameterType("a JSON list", _NO_OTHER.format("list"), _parse_list),
    "STRUCT": ParameterType("a JSON object", _NO_OTHER.format("struct"), _parse_struct),
}
"""Source of the refusals: backend/src/apiserver/template/v2_template.go of KFP, where it checks a job."""
