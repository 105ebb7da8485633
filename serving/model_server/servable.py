"""One loaded version of a SavedModel, run as TensorFlow Serving runs it: in a session.

`tf.saved_model.load` would rebuild Python objects instead. It is slower for a single forecast, and it
forgives what a session does not, such as variables that the restore operation misses.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from components import contract
from serving.tensors import Array, read_tensor, write_tensor

SessionV1 = tf.compat.v1.Session
MAX_WARMUP_RECORDS = 1000
"""TensorFlow Serving's limit, too."""


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
      code: gRPC's status code.
      message: TensorFlow Serving's words, where it would refuse as well.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Servable:
    """A version that answers. Requests under way keep it alive; the last one lets its session go."""

    def __init__(self, name: str, version: int, folder: pathlib.Path) -> None:
        """Loads the version and replays its warm-up requests.

        Args:
          name: of the model.
          version: its number.
          folder: of the SavedModel.
        Raises:
          Exception: whatever TensorFlow raises over a SavedModel that is broken or fails at its warm-up.
        """
        self.name = name
        self.version = version
        graph = tf.Graph()
        self._session = SessionV1(graph=graph)
        with graph.as_default():
            loaded = tf.compat.v1.saved_model.load(self._session, [tf.saved_model.SERVING], str(folder))
        self.signature_defs = dict(loaded.signature_def)
        for request in _read_warmup(folder):
            self.predict(request)

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Answers a request; its model_spec has been followed here already.

        Raises:
          RequestError: signature, inputs or outputs are not those of the model.
          tf.errors.OpError: the graph refuses.
        """
        signature_name = request.model_spec.signature_name or contract.DEFAULT_SIGNATURE
        if signature_name not in self.signature_defs:
            raise RequestError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{signature_name}" not found.'
            )
        signature = self.signature_defs[signature_name]
        feeds = _read_inputs(signature.inputs, request.inputs)
        outputs = _choose_outputs(signature.outputs, request.output_filter)
        fetched = self._session.run([signature.outputs[alias].name for alias in outputs], feeds)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = self.version
        response.model_spec.signature_name = signature_name
        for alias, array in zip(outputs, fetched, strict=True):
            write_tensor(_as_array(array), response.outputs[alias], as_fields=True)
        return response


def explain_graph_error(error: tf.errors.OpError) -> str:
    """What went wrong in the graph, without what Python's session puts before it."""
    return str(error.message).removeprefix("Graph execution error:").lstrip()


def _read_warmup(folder: pathlib.Path) -> Iterator[predict_pb2.PredictRequest]:
    """The requests that a version brings along, in order.

    Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup
    """
    path = folder / contract.ASSETS_EXTRA / contract.WARMUP_FILE
    if not path.exists():
        return
    for index, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
        log = prediction_log_pb2.PredictionLog.FromString(record)
        if index >= MAX_WARMUP_RECORDS or not log.HasField("predict_log"):
            raise ValueError(
                f"{path} must hold at most {MAX_WARMUP_RECORDS} predict logs, got a "
                f"{log.WhichOneof('log_type')} at {index}; export the warm-up again"
            )
        yield log.predict_log.request


def _read_inputs(infos: Mapping[str, Any], tensors: Mapping[str, Any]) -> dict[str, Array]:
    """Feeds of the session, by tensor name.

    Args:
      infos: the signature's inputs, alias -> TensorInfo.
      tensors: the request's inputs, alias -> TensorProto.
    """
    if infos.keys() != tensors.keys():
        sent_extra, missing = sorted(tensors.keys() - infos.keys()), sorted(infos.keys() - tensors.keys())
        raise _invalid(
            f"input size does not match signature: {len(tensors)}!={len(infos)} "
            f"len({{{','.join(sorted(tensors))}}}) != len({{{','.join(sorted(infos))}}}). "
            f"Sent extra: {{{','.join(sent_extra)}}}. Missing but required: {{{','.join(missing)}}}."
        )
    return {info.name: _read_input(alias, info, tensors[alias]) for alias, info in infos.items()}


def _read_input(alias: str, info: Any, tensor: Any) -> Array:
    """One input, of the type and the shape that the signature names."""
    if tensor.dtype != info.dtype:
        raise _invalid(
            f"{alias} must be {tf.dtypes.as_dtype(info.dtype).name}, got {_type_name(tensor.dtype)}"
        )
    try:
        array = read_tensor(tensor)
    except ValueError as error:
        raise _invalid(f"tensor parsing error: {alias}: {error}") from error
    expected = tf.TensorShape(info.tensor_shape)
    if not expected.is_compatible_with(array.shape):
        raise _invalid(f"{alias} must have the shape {expected}, got {list(array.shape)}")
    return array


def _choose_outputs(infos: Mapping[str, Any], output_filter: Any) -> list[str]:
    """The aliases to answer: those asked for, or all."""
    for index, alias in enumerate(output_filter):
        if alias not in infos:
            raise _invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{{{','.join(sorted(infos))}}}."
            )
        if alias in output_filter[:index]:
            raise _invalid(f"duplicate output tensor alias: {alias}")
    return list(output_filter) or sorted(infos)


def _as_array(fetched: Any) -> Array:
    """What a session fetched; a string scalar comes as bytes."""
    return np.array(fetched, object) if isinstance(fetched, bytes) else np.asarray(fetched)


def _type_name(number: int) -> str:
    try:
        return str(tf.dtypes.as_dtype(number).name)
    except TypeError:
        return str(number)


def _invalid(message: str) -> RequestError:
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)
