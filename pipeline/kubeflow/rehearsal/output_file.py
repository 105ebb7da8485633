"""Reads a task's output metadata as strictly as KFP's launcher does."""

from __future__ import annotations

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any, NoReturn

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.kubeflow.package import Json
from pipeline.kubeflow.rehearsal.errors import TaskError


def read_output_file(
    file: pathlib.Path, outputs: Mapping[str, Any]
) -> tuple[dict[str, Json], dict[str, Any]]:
    """Reads an ExecutorOutput.

    Args:
      file: where the task was told to leave it; it need not have.
      outputs: ExecutorInput.Outputs; parameters that are not declared there are dropped.
    Returns:
      Key -> artifact (uri, metadata), and name of an output parameter -> value.
    Raises:
      TaskError: no JSON as protobuf wants it, an unknown field, or a null anywhere.
    """
    if not file.exists():
        return {}, {}
    try:
        given = json.loads(
            file.read_bytes().decode(),
            object_pairs_hook=_without_repetition,
            parse_constant=_refuse_constant,
            parse_float=_read_number,
        )
        if place := _find_null(given, "$"):
            raise ValueError(f"null at {place}")
        message = json_format.ParseDict(given, pipeline_spec_pb2.ExecutorOutput())
    except (ValueError, json_format.ParseError) as error:
        raise TaskError(
            f"the output metadata must be an ExecutorOutput, got {error}; KFP's launcher fails: "
            "failed to unmarshall ExecutorOutput"
        ) from error
    parsed = json_format.MessageToDict(message)
    artifacts = {
        key: entry["artifacts"][0]
        for key, entry in parsed.get("artifacts", {}).items()
        if entry.get("artifacts")
    }
    parameters = {
        name: value
        for name, value in parsed.get("parameterValues", {}).items()
        if name in outputs.get("parameters", {})
    }
    return artifacts, parameters


def _without_repetition(pairs: list[tuple[str, Any]]) -> Json:
    """Python takes the last of two equal keys, Go's protobuf takes neither."""
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"duplicate field {key!r}")
    return dict(pairs)


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is no JSON")


def _read_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text}, which is beyond any number")
    return number


def _find_null(value: Any, place: str) -> str:
    if value is None:
        return place
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return next(filter(None, (_find_null(entry, f"{place}.{key}") for key, entry in entries)), "")
