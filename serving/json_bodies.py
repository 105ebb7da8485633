"""The bodies of TensorFlow Serving's REST interface, written and read.

Source: https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

import http
import json
import urllib.parse
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format

from components import contract
from components.errors import ServingError
from serving.answers import (
    SIGNATURE_DEF_FIELD,
    ModelMetadata,
    VersionStatus,
    first_line,
    read_metadata,
    read_statuses,
)
from serving.bars import LatestBars
from serving.client_config import ClientConfig
from serving.forecast import Forecast, read_forecast, take_shared
from serving.protos import wire_pb2

CODES = {
    http.HTTPStatus.BAD_REQUEST: "INVALID_ARGUMENT",
    http.HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    http.HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    http.HTTPStatus.NOT_FOUND: "NOT_FOUND",
    http.HTTPStatus.CONFLICT: "ABORTED",
    http.HTTPStatus.PRECONDITION_FAILED: "FAILED_PRECONDITION",
    http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RESOURCE_EXHAUSTED",
    http.HTTPStatus.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    http.HTTPStatus.NOT_IMPLEMENTED: "UNIMPLEMENTED",
    http.HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
    http.HTTPStatus.GATEWAY_TIMEOUT: "DEADLINE_EXCEEDED",
}
"""gRPC's status codes by HTTP's, the other way round from TensorFlow Serving."""
OTHER_CODE = "INTERNAL"
MAX_SHOWN = 80
_DTYPES = {
    contract.RETURN_QUANTILES: np.float32,
    contract.PRICE_QUANTILES: np.float32,
    contract.LAST_CLOSE: np.float32,
    contract.QUANTILE_LEVELS_OUTPUT: np.float32,
    contract.HORIZONS_OUTPUT: np.int32,
    contract.MODEL_VERSION: np.str_,
    contract.HAS_MARKET: np.float32,
}


def make_model_path(config: ClientConfig, version: int | None = None, label: str = "") -> str:
    """The path of a model, or of one version of it."""
    path = f"{config.endpoint.path}/v1/models/{urllib.parse.quote(config.model_name, safe='')}"
    if version is not None:
        return f"{path}/versions/{version}"
    return f"{path}/labels/{urllib.parse.quote(label, safe='')}" if label else path


def write_bars(config: ClientConfig, bars: LatestBars, is_universe: bool = False) -> bytes:
    """The body of a request to `:predict`, in columns; see inquiry.Batch."""
    inputs: dict[str, Any] = {contract.TICKER: list(bars.tickers)}
    if is_universe:
        inputs[contract.DATE] = bars.days.astype(np.int64).tolist()
    inputs |= {name: column.tolist() for name, column in bars.columns.items()}
    signature = contract.UNIVERSE_SIGNATURE if is_universe else config.signature_name
    return json.dumps({"signature_name": signature, "inputs": inputs}).encode()


def read_prediction(config: ClientConfig, body: bytes, bars: LatestBars, version: int) -> Forecast:
    """The forecast in the answer of `:predict`.

    Args:
      config: who was asked.
      body: the answer.
      bars: what was asked.
      version: which was asked.
    Raises:
      ServingError: the answer is not that of a marketcast model.
    """
    outputs = _read_object(config, body).get("outputs")
    if not isinstance(outputs, dict):
        outputs = {}
    try:
        arrays = {name: _to_array(name, value) for name, value in outputs.items() if name in _DTYPES}
    except (TypeError, ValueError) as error:
        raise ServingError(
            f"{config.address} must answer tensors, got: {first_line(str(error))}; serve a model of "
            "marketcast"
        ) from error
    return read_forecast(take_shared(arrays) if config.by_rows else arrays, bars, version)


def read_status_body(config: ClientConfig, body: bytes) -> tuple[VersionStatus, ...]:
    """The status of each version, newest first.

    Raises:
      ServingError: the answer is not one of TensorFlow Serving.
    """
    return read_statuses(_parse(config, _read_object(config, body), wire_pb2.GetModelStatusResponse()))


def read_metadata_body(config: ClientConfig, body: bytes) -> ModelMetadata:
    """The version and its signatures.

    Raises:
      ServingError: the answer is not one of TensorFlow Serving.
    """
    content = _read_object(config, body)
    try:
        found = content["metadata"][SIGNATURE_DEF_FIELD]
        answer = _parse(config, {"model_spec": content["model_spec"]}, wire_pb2.GetModelMetadataResponse())
    except (KeyError, TypeError) as error:
        raise _refuse(config, body) from error
    signatures = _parse(config, found, wire_pb2.SignatureDefMap())
    answer.metadata[SIGNATURE_DEF_FIELD].value = signatures.SerializeToString()
    return read_metadata(answer)


def read_error(status: int, body: bytes) -> tuple[str, str]:
    """Name of gRPC's code and the reason, of an answer that is an error."""
    try:
        details = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        details = f"HTTP status {status}"
    return CODES.get(status, OTHER_CODE), details


def _to_array(name: str, value: Any) -> npt.NDArray[Any]:
    if _DTYPES[name] is np.str_:
        return np.char.encode(np.array(value, np.str_)).astype(object)
    return np.asarray(value, _DTYPES[name])


def _read_object(config: ClientConfig, body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise _refuse(config, body)
    return content


def _parse(config: ClientConfig, content: Any, message: Any) -> Any:
    try:
        return json_format.ParseDict(content, message, ignore_unknown_fields=True)
    except (json_format.ParseError, TypeError, AttributeError) as error:
        raise _refuse(config, json.dumps(content).encode()) from error


def _refuse(config: ClientConfig, body: bytes) -> ServingError:
    return ServingError(
        f"{config.address} must answer as TensorFlow Serving's REST interface does, got "
        f"{first_line(body[:MAX_SHOWN].decode(errors='replace'))!r}; check the address and its port"
    )
