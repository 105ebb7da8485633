"""TensorFlow Serving's REST interface: a method, a path and a body in, a status and an answer out.

Source: http_rest_api_handler.cc, http_rest_api_util.cc and http_server.cc of TensorFlow Serving, and
https://www.tensorflow.org/tfx/serving/api_rest.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    regression_pb2,
)

from components import contract
from serving.answers import SIGNATURE_DEF_FIELD
from serving.model_server import inference
from serving.model_server.models import Models
from serving.model_server.replies import make_metadata, make_status
from serving.model_server.request_error import RequestError, explain, refuse
from serving.model_server.rest import json_examples, json_tensors
from serving.model_server.rest.json_values import JsonError

MODEL = r"(?i:/v1/models)/(?P<name>[^/:]+)(?:(?i:/versions)/(?P<version>\d+)|(?i:/labels)/(?P<label>[^/:]+))?"
PREDICTION = re.compile(rf"{MODEL}:(?i:(?P<method>classify|regress|predict))")
STATUS = re.compile(rf"{MODEL}(?P<metadata>(?i:/metadata))?")
MAX_VERSION = 2**63 - 1
HTTP_STATUSES = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 412,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 416,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
}
_DEFAULTS_OPTION = next(
    name
    for name in inspect.signature(json_format.MessageToDict).parameters
    # Its name has changed with protobuf 5.
    if name in ("including_default_value_fields", "always_print_fields_with_no_presence")
)


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a request is answered.

    Attributes:
      body: a JSON object.
      error: why it is refused; None where it is not.
      model: which model it was about; empty if about none.
      api: Predict, Classify or Regress; empty for the others.
    """

    body: dict[str, Any]
    error: RequestError | None = None
    model: str = ""
    api: str = ""

    @property
    def http_status(self) -> int:
        """HTTP's status code."""
        return HTTP_STATUSES[self.error.code] if self.error else 200


def answer(models: Models, method: str, path: str, body: bytes) -> Reply:
    """Answers a request; whatever is wrong with it is told in the reply."""
    prediction, status = PREDICTION.fullmatch(path), STATUS.fullmatch(path)
    model, api = "", ""
    try:
        if method == "POST" and prediction:
            model, api = prediction["name"], prediction["method"].capitalize()
            return Reply(_METHODS[api](models, _read_spec(prediction), body), None, model, api)
        if method in ("GET", "HEAD") and status:
            tell = _tell_metadata if status["metadata"] else _tell_status
            return Reply(tell(models, _read_spec(status)))
        if method in ("GET", "HEAD") and path.lower() == "/v1/models":
            raise refuse("Missing model name in request.")
        raise refuse(f"Malformed request: {method} {path}")
    except Exception as error:
        told = explain(refuse(str(error)) if isinstance(error, JsonError) else error)
        return Reply({"error": told.message}, told, model, api)


def _read_spec(match: re.Match[str]) -> model_pb2.ModelSpec:
    """Which model a path names."""
    spec = model_pb2.ModelSpec(name=match["name"])
    if match["version"]:
        if int(match["version"]) > MAX_VERSION:
            raise refuse(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    if match["label"]:
        spec.version_label = match["label"]
    return spec


def _predict(models: Models, spec: model_pb2.ModelSpec, body: bytes) -> dict[str, Any]:
    document = json_tensors.parse_body(body)
    name = json_tensors.read_signature_name(document)
    servable = models.find(spec)
    name = name or contract.DEFAULT_SIGNATURE
    if name not in servable.signature_defs:
        raise refuse(f'Serving signature name: "{name}" not found in signature def')
    inputs, by_rows = json_tensors.read_tensors(document, _types(servable.signature_defs[name]))
    _, outputs = servable.run(name, inputs)
    return json_tensors.write_tensors(outputs, by_rows)


def _types(signature: Any) -> json_tensors.Types:
    """Types of a signature's inputs."""
    types = {alias: tf.dtypes.as_dtype(info.dtype) for alias, info in sorted(signature.inputs.items())}
    return {alias: (np.dtype(dtype.as_numpy_dtype), dtype.name) for alias, dtype in types.items()}


def _classify(models: Models, spec: model_pb2.ModelSpec, body: bytes) -> dict[str, Any]:
    request = classification_pb2.ClassificationRequest(model_spec=spec)
    _fill(request, body)
    response = inference.classify(models.find(request.model_spec), request)
    return json_examples.describe_classifications(response.result)


def _regress(models: Models, spec: model_pb2.ModelSpec, body: bytes) -> dict[str, Any]:
    request = regression_pb2.RegressionRequest(model_spec=spec)
    _fill(request, body)
    response = inference.regress(models.find(request.model_spec), request)
    return json_examples.describe_regressions(response.result)


_METHODS: dict[str, Callable[[Models, model_pb2.ModelSpec, bytes], dict[str, Any]]] = {
    "Predict": _predict,
    "Classify": _classify,
    "Regress": _regress,
}


def _fill(request: Any, body: bytes) -> None:
    """Reads the body of classify or regress."""
    document = json_tensors.parse_body(body)
    request.model_spec.signature_name = json_tensors.read_signature_name(document)
    json_examples.fill_input(document, request.input)


def _tell_status(models: Models, spec: model_pb2.ModelSpec) -> dict[str, Any]:
    return _to_json(make_status(models.describe(spec)))


def _tell_metadata(models: Models, spec: model_pb2.ModelSpec) -> dict[str, Any]:
    response = make_metadata(models.find(spec))
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata[SIGNATURE_DEF_FIELD].Unpack(signatures)
    return {
        "model_spec": _to_json(response.model_spec),
        "metadata": {SIGNATURE_DEF_FIELD: _to_json(signatures)},
    }


def _to_json(message: get_model_status_pb2.GetModelStatusResponse | Any) -> dict[str, Any]:
    """A message with its fields' own names, those that are empty too."""
    options = {"preserving_proto_field_name": True, _DEFAULTS_OPTION: True}
    found: dict[str, Any] = json_format.MessageToDict(message, **options)
    return found
