"""The bodies of classify and regress: tf.Examples as JSON objects.

Source: json_tensor.cc of TensorFlow Serving.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.model_server.rest.json_tensors import shorten
from serving.model_server.rest.json_values import JsonError, is_bytes_object, read_bytes, show

CONTEXT_KEY = "context"
EXAMPLES_KEY = "examples"
RESULTS_KEY = "results"
_LISTS = {bytes: "bytes_list", float: "float_list", int: "int64_list"}
_INT64_END = 2**63


def fill_input(document: Mapping[str, Any], message: Any) -> None:
    """Writes the examples of a body, and the context that they share, into an `Input`.

    Raises:
      JsonError: there is no example, or a feature is no list of one type.
    """
    if EXAMPLES_KEY not in document:
        raise JsonError(
            f"JSON Value: {show(document)} When method is classify, key '{EXAMPLES_KEY}' is expected and was "
            "not found"
        )
    examples = document[EXAMPLES_KEY]
    if not isinstance(examples, list):
        raise JsonError(f"JSON Value: {show(document)} Expecting '{EXAMPLES_KEY}' value to be an list/array")
    if not examples:
        raise JsonError(f"JSON Value: {show(document)} '{EXAMPLES_KEY}' value is an empty array")
    listed = message.example_list
    if CONTEXT_KEY in document:
        listed = message.example_list_with_context
        _fill_example(document[CONTEXT_KEY], listed.context)
    for example in examples:
        _fill_example(example, listed.examples.add())


def describe_classifications(result: Any) -> dict[str, Any]:
    """The answer of classify: for each example its [label, score] pairs."""
    return {
        RESULTS_KEY: [
            [[one.label, _shorten(one.score)] for one in row.classes] for row in result.classifications
        ]
    }


def describe_regressions(result: Any) -> dict[str, Any]:
    """The answer of regress: a number for each example."""
    return {RESULTS_KEY: [_shorten(one.value) for one in result.regressions]}


def _fill_example(value: Any, example: Any) -> None:
    if not isinstance(value, dict):
        raise JsonError(f"Example must be JSON object but got JSON {type(value).__name__}")
    for name, content in value.items():
        values = [_read_value(name, item) for item in (content if isinstance(content, list) else [content])]
        kinds = {type(item) for item in values}
        if len(kinds) > 1:
            raise JsonError(f"Unexpected element type in feature: {name} expecting one type for all elements")
        feature = example.features.feature[name]
        for kind in kinds:
            getattr(feature, _LISTS[kind]).value.extend(values)


def _read_value(name: str, value: Any) -> bytes | float | int:
    """One element of a feature."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) or is_bytes_object(value):
        return read_bytes(value)
    if isinstance(value, float):
        if np.isfinite(value) and abs(value) > np.finfo(np.float32).max:
            raise JsonError(f"Cannot convert JSON value: {show(value)} to float without loss of precision.")
        return value
    if isinstance(value, int):
        if not -_INT64_END <= value < _INT64_END:
            raise JsonError(f"Feature: {name} has uint64 element. Only int64 is supported.")
        return value
    raise JsonError(f"Feature: {name} has element with unexpected JSON type: {type(value).__name__}")


def _shorten(value: float) -> float:
    return float(shorten(np.array(value, np.float32)))
