"""The bodies of predict: named tensors in the row or the column format of TensorFlow Serving.

Source: json_tensor.cc of TensorFlow Serving, and https://www.tensorflow.org/tfx/serving/api_rest.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.model_server.rest.json_values import (
    BASE64_KEY,
    JsonError,
    is_bytes_object,
    read_array,
    show,
)
from serving.tensors import Array

SIGNATURE_KEY = "signature_name"
INSTANCES_KEY = "instances"
INPUTS_KEY = "inputs"
PREDICTIONS_KEY = "predictions"
OUTPUTS_KEY = "outputs"
BYTES_SUFFIX = "_bytes"
"""An output of such a name is bytes, not text: it is answered in base64."""

Types = Mapping[str, tuple["np.dtype[Any]", str]]
"""Input's name -> the type of its array, and how errors call it."""


def parse_body(body: bytes) -> dict[str, Any]:
    """The object that a body holds; NaN and Infinity are numbers.

    Raises:
      JsonError: it is no JSON, or no object.
    """
    if not body:
        raise JsonError("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        raise JsonError(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise JsonError(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise JsonError(f"JSON Value: {show(document)} Is not object")
    return document


def read_signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a body names; empty if it names none.

    Raises:
      JsonError: the name is no text.
    """
    name = document.get(SIGNATURE_KEY, "")
    if not isinstance(name, str):
        raise JsonError(
            f"JSON Value: {show(document)} not formatted correctly. '{SIGNATURE_KEY}' key must be a string "
            "value."
        )
    return name


def read_tensors(document: Mapping[str, Any], types: Types) -> tuple[dict[str, Array], bool]:
    """The inputs of a predict.

    Args:
      document: the body.
      types: the signature's inputs.
    Returns:
      Name -> array, and whether they came row by row.
    Raises:
      JsonError: both formats or none, missing or unknown inputs, values of the wrong type or shape.
    """
    has_rows, has_columns = INSTANCES_KEY in document, INPUTS_KEY in document
    if has_rows and has_columns:
        raise JsonError(
            f"JSON Value: {show(document)} Not formatted correctly expecting only one of '{INPUTS_KEY}' or "
            f"'{INSTANCES_KEY}' keys to exist "
        )
    if has_rows:
        return _read_rows(document, types), True
    if has_columns:
        return _read_columns(document[INPUTS_KEY], types), False
    raise JsonError(f"Missing '{INPUTS_KEY}' or '{INSTANCES_KEY}' key")


def _read_columns(value: Any, types: Types) -> dict[str, Array]:
    if isinstance(value, dict) and not is_bytes_object(value):
        for name in types:
            if name not in value:
                raise JsonError(f"Missing named input: {name} in '{INPUTS_KEY}' object.")
        return {name: read_array(value[name], *types[name]) for name in types}
    if len(types) > 1:
        raise JsonError(
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
            "tensorinfo_map"
        )
    return {name: read_array(value, *types[name]) for name in types}


def _read_rows(document: Mapping[str, Any], types: Types) -> dict[str, Array]:
    rows = document[INSTANCES_KEY]
    if not isinstance(rows, list):
        raise JsonError(f"JSON Value: {show(document)} Excepting '{INSTANCES_KEY}' to be an list/array")
    if not rows:
        raise JsonError(f"JSON Value: {show(document)} No values in '{INSTANCES_KEY}' array")
    are_objects = _is_named(rows[0])
    if not are_objects and len(types) > 1:
        raise JsonError(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as "
            "per tensorinfo_map"
        )
    columns: dict[str, list[Array]] = {name: [] for name in types}
    for index, row in enumerate(rows):
        if _is_named(row) != are_objects:
            expected, got = ("object", "list") if are_objects else ("value/list", "object")
            raise JsonError(f"Expecting {expected} but got {got} at item {index} of input list")
        _read_row(index, row if are_objects else {next(iter(types)): row}, types, columns)
    return {name: np.stack(arrays) for name, arrays in columns.items()}


def _read_row(index: int, row: Mapping[str, Any], types: Types, columns: dict[str, list[Array]]) -> None:
    """Appends the values of one row, each as long as those of the first row."""
    for name, value in row.items():
        try:
            if name not in types:
                raise JsonError(f"JSON object: does not have named input: {name}")
            array = read_array(value, *types[name])
            first = columns[name][0] if columns[name] else array
            if array.shape != first.shape:
                raise JsonError(f"Expecting shape {list(first.shape)} but got: {list(array.shape)}")
        except JsonError as error:
            raise JsonError(
                f"Failed to process element: {index} key: {name} of '{INSTANCES_KEY}' list. Error: {error}"
            ) from error
        columns[name].append(array)
    if row.keys() != types.keys():
        raise JsonError(
            f"Failed to process element: {index} of '{INSTANCES_KEY}' list. JSON object: {show(row)} keys "
            f"must be equal to: {','.join(sorted(types))}"
        )


def _is_named(value: Any) -> bool:
    """Whether a row names its inputs."""
    return isinstance(value, dict) and not is_bytes_object(value)


def write_tensors(outputs: Mapping[str, Array], by_rows: bool) -> dict[str, Any]:
    """The answer of a predict; an only output stands there without its name.

    Raises:
      JsonError: row by row, an output has no rows, or not as many as the others.
    """
    if not outputs:
        raise JsonError("Cannot convert empty tensor map to JSON")
    if by_rows:
        _check_rows(outputs)
    plain = {name: _to_plain(name, array) for name, array in sorted(outputs.items())}
    if not by_rows:
        return {OUTPUTS_KEY: plain if len(plain) > 1 else next(iter(plain.values()))}
    if len(plain) == 1:
        return {PREDICTIONS_KEY: next(iter(plain.values()))}
    rows = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    return {PREDICTIONS_KEY: rows}


def _check_rows(outputs: Mapping[str, Array]) -> None:
    num_rows = None
    for name, array in sorted(outputs.items()):
        if array.ndim == 0:
            raise JsonError(f"Tensor name: {name} has no shape information ")
        if num_rows is not None and array.shape[0] != num_rows:
            raise JsonError(
                f"Tensor name: {name} has inconsistent batch size: {array.shape[0]} expecting: {num_rows}"
            )
        num_rows = array.shape[0]


def _to_plain(name: str, array: Array) -> Any:
    """An array as JSON types."""
    if array.dtype.kind == "f":
        return shorten(array).tolist()
    if array.dtype.kind != "O":
        return array.tolist()
    write = _to_base64 if name.endswith(BYTES_SUFFIX) else _to_text
    flat = [write(value) for value in array.ravel().tolist()]
    nested = np.empty(len(flat), object)
    nested[:] = flat
    return nested.reshape(array.shape).tolist()


def _to_base64(value: bytes) -> dict[str, str]:
    return {BASE64_KEY: base64.b64encode(value).decode()}


def _to_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def shorten(array: Array) -> Array:
    """float32 as the float64 of its shortest decimals, so that 0.2 is written 0.2 and not 0.20000000298.

    Six digits where they are enough, else nine, as TensorFlow Serving writes them.
    """
    if array.dtype != np.float32:
        return array
    wide = array.astype(np.float64)
    six = _round(wide, 6)
    with np.errstate(over="ignore"):
        is_enough = six.astype(np.float32) == array
    return np.where(is_enough | ~np.isfinite(wide), six, _round(wide, 9))


def _round(values: Array, num_digits: int) -> Array:
    """Values with so many significant digits; what is not finite, and zero, stays."""
    is_plain = np.isfinite(values) & (values != 0.0)
    magnitude = np.floor(np.log10(np.abs(np.where(is_plain, values, 1.0))))
    # Powers of ten up to 22 are exact, and a division by one gives the nearest float64 to the decimal.
    shift = np.clip(num_digits - 1 - magnitude, -300, 300).astype(int)
    power = 10.0 ** np.abs(shift)
    digits = np.rint(np.where(shift >= 0, values * power, values / power))
    rounded = np.where(shift >= 0, digits / power, digits * power)
    return np.where(is_plain, rounded, values)
