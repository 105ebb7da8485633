"""Values and types of parameters, as KFP's API server and driver compare them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

UNSPECIFIED = "PARAMETER_TYPE_ENUM_UNSPECIFIED"
DOUBLE = "NUMBER_DOUBLE"
INTEGER = "NUMBER_INTEGER"
STRING = "STRING"
STATUS = "TASK_FINAL_STATUS"
STRUCT = "STRUCT"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: dict[str, Callable[[Any], bool]] = {
    DOUBLE: _is_number,
    INTEGER: lambda value: _is_number(value) and float(value).is_integer(),
    STRING: lambda value: isinstance(value, str),
    "BOOLEAN": lambda value: isinstance(value, bool),
    "LIST": lambda value: isinstance(value, list | tuple),
    STRUCT: lambda value: isinstance(value, dict),
}
_NAMES = {
    str: "a text",
    bool: "a boolean",
    list: "a list",
    tuple: "a list",
    dict: "a struct",
    int: "a number",
}
_KFP_WORDS = {
    DOUBLE: "type double or integer, but the parameter value is not of number value type",
    INTEGER: "type double or integer, but the parameter value is not of number value type",
    STRING: "type string, but the input parameter is not of string value type",
    "BOOLEAN": "type bool, but the input parameter is not of bool value type",
    "LIST": "type list, but the input parameter is not of list value type",
    STRUCT: "type struct, but the input parameter is not of struct value type",
}


def fits(value: Any, parameter_type: str) -> bool:
    """Whether a parameter of that type takes the value."""
    return parameter_type in _FITS and _FITS[parameter_type](value)


def takes(consumer: str, producer: str) -> bool:
    """Whether a parameter of one type takes what one of another gives; a double takes an integer."""
    same = {STATUS: STRUCT}
    return same.get(consumer, consumer) == same.get(producer, producer) or (consumer, producer) == (
        DOUBLE,
        INTEGER,
    )


def name_kind(value: Any) -> str:
    """What a message calls a value without showing it: it may be a secret."""
    if isinstance(value, float) and not value.is_integer():
        return "a number with decimals"
    return _NAMES.get(type(value), "a number" if isinstance(value, float) else "nothing")


def mismatch(name: str, parameter_type: str) -> str:
    """KFP's words for an argument of the wrong type."""
    return f"input parameter {name} requires {_KFP_WORDS.get(parameter_type, parameter_type)}"


def driver_mismatch(name: str, consumer: str, kind: str) -> str:
    """What the driver makes of a value of the wrong type."""
    if consumer == STRING:
        return "the driver hands the task a text of JSON"
    return (
        f'at run time the driver fails: input parameter "{name}" type mismatch: expect {consumer}, got {kind}'
    )
