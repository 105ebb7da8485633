"""JSON values to arrays, as strictly as TensorFlow Serving takes them, and with its words.

Source: json_tensor.cc of TensorFlow Serving.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.tensors import Array

BASE64_KEY = "b64"
_KINDS = {dict: "Object", list: "Array", str: "String", bool: "Bool", type(None): "Null"}
_MAX_SHOWN_LETTERS = 200


class JsonError(ValueError):
    """A JSON value that is not what it should be."""


def is_bytes_object(value: Any) -> bool:
    """Whether a value is {"b64": "..."}: bytes in base64."""
    return isinstance(value, dict) and list(value) == [BASE64_KEY] and isinstance(value[BASE64_KEY], str)


def show(value: Any) -> str:
    """A value in an error message, not too long."""
    text = json.dumps(value)
    return text if len(text) <= _MAX_SHOWN_LETTERS else f"{text[:_MAX_SHOWN_LETTERS]}..."


def read_array(value: Any, dtype: np.dtype[Any], type_name: str) -> Array:
    """The array of a number, a string or nested lists of them.

    Args:
      value: parsed JSON.
      dtype: of the array; object for strings, which become bytes.
      type_name: how the error calls that.
    Raises:
      JsonError: lists of different lengths, values of another type, numbers that do not fit.
    """
    fast = _read_numbers(value, dtype) if dtype.kind == "f" else None
    if fast is not None:
        return fast
    shape = _find_shape(value)
    flat: list[Any] = []
    _flatten(value, shape, 0, dtype, type_name, flat)
    if dtype.kind == "O":
        array = np.empty(len(flat), object)
        array[:] = flat
        return array.reshape(shape)
    return np.array(flat, dtype).reshape(shape)


def _read_numbers(value: Any, dtype: np.dtype[Any]) -> Array | None:
    """The quick way for numbers; None where each value must be looked at."""
    try:
        array = np.array(value)
    except ValueError:
        return None
    if array.dtype.kind not in "iuf" or not _fits(array, dtype) or _holds_bools(value):
        return None
    return array.astype(dtype)


def _holds_bools(value: Any) -> bool:
    """Whether there is a true or false among numbers, which NumPy takes for 1 and 0."""
    if not isinstance(value, list):
        return isinstance(value, bool)
    if value and isinstance(value[0], list):
        return any(_holds_bools(item) for item in value)
    return any(item is True or item is False for item in value)


def _fits(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Whether all numbers fit a float type; see _fits_float."""
    if array.size == 0:
        return True
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    return finite.size == 0 or all(
        _fits_float(number, dtype) for number in (finite.min().item(), finite.max().item())
    )


def _fits_float(value: float, dtype: np.dtype[Any]) -> bool:
    """Whether a whole number keeps its value in a float type, and another one is not beyond its range."""
    if isinstance(value, int):
        return abs(value) < 2 ** (np.finfo(dtype).nmant + 1)
    return not math.isfinite(value) or abs(value) <= float(np.finfo(dtype).max)


def _find_shape(value: Any) -> tuple[int, ...]:
    """The shape that the first element of each level says."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _flatten(
    value: Any, shape: tuple[int, ...], level: int, dtype: np.dtype[Any], type_name: str, flat: list[Any]
) -> None:
    """Appends each value, checked, to `flat`."""
    if not isinstance(value, list):
        if level != len(shape):
            raise JsonError(
                f"JSON Value: {show(value)} found at incorrect level: {level + 1} in the JSON DOM. Expected "
                f"at level: {len(shape)}"
            )
        flat.append(_read_value(value, dtype, type_name))
        return
    if level >= len(shape):
        raise JsonError(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise JsonError(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: "
            f"{shape[level]}"
        )
    for item in value:
        _flatten(item, shape, level + 1, dtype, type_name, flat)


def _read_value(value: Any, dtype: np.dtype[Any], type_name: str) -> Any:
    """One value of the right type."""
    if dtype.kind == "O":
        return read_bytes(value, type_name)
    if dtype.kind == "b":
        if not isinstance(value, bool):
            raise _type_error(value, type_name)
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _type_error(value, type_name)
    if dtype.kind == "f":
        if not _fits_float(value, dtype):
            raise JsonError(
                f"Cannot convert JSON value: {show(value)} to {type_name} without loss of precision."
            )
        return value
    limits = np.iinfo(dtype)
    if isinstance(value, float) or not limits.min <= value <= limits.max:
        raise _type_error(value, type_name)
    return value


def read_bytes(value: Any, type_name: str = "string") -> bytes:
    """The bytes of a string, or of {"b64": "..."}.

    Raises:
      JsonError: it is neither, or no base64.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if not isinstance(value, dict):
        raise _type_error(value, type_name)
    if not is_bytes_object(value):
        raise JsonError(f"JSON Value: {show(value)} not formatted correctly for base64 data")
    try:
        text = value[BASE64_KEY].rstrip("=")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise JsonError("Unable to base64 decode") from error


def _type_error(value: Any, type_name: str) -> JsonError:
    kind = _KINDS.get(type(value), "Number")
    if isinstance(value, bool):
        kind = str(value)
    return JsonError(f"JSON Value: {show(value)} Type: {kind} is not of expected type: {type_name}")
