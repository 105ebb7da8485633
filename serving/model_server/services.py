"""The gRPC services, as TensorFlow Serving names them, over one served model."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.answers import SIGNATURE_DEF_FIELD
from serving.model_server.servable import RequestError, explain_graph_error
from serving.model_server.served_model import ServedModel

Answer = TypeVar("Answer")

MAX_MESSAGE_LENGTH = 1024
"""TensorFlow Serving cuts longer error messages, which travel in a header."""
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_log = logging.getLogger(__name__)


def add_services(server: grpc.Server, model: ServedModel) -> None:
    """Lets a server answer for a model."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(model), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(model), server)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the other methods answer UNIMPLEMENTED."""

    def __init__(self, model: ServedModel) -> None:
        self._model = model

    def Predict(  # noqa: N802 (TensorFlow Serving's name)
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Runs a signature."""

        def answer() -> predict_pb2.PredictResponse:
            _check_model_spec(request)
            return self._model.find(request.model_spec).predict(request)

        return _guard(context, answer)

    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Answers the signatures."""

        def answer() -> get_model_metadata_pb2.GetModelMetadataResponse:
            _check_model_spec(request)
            _check_metadata_fields(request.metadata_field)
            servable = self._model.find(request.model_spec)
            signatures = get_model_metadata_pb2.SignatureDefMap()
            for name, signature in servable.signature_defs.items():
                signatures.signature_def[name].CopyFrom(signature)
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            response.metadata[SIGNATURE_DEF_FIELD].Pack(signatures)
            return response

        return _guard(context, answer)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus; the other method answers UNIMPLEMENTED."""

    def __init__(self, model: ServedModel) -> None:
        self._model = model

    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Answers the state of the versions, newest first."""

        def answer() -> get_model_status_pb2.GetModelStatusResponse:
            _check_model_spec(request)
            states = self._model.describe(request.model_spec)
            response = get_model_status_pb2.GetModelStatusResponse()
            for version in sorted(states, reverse=True):
                state = states[version]
                found = response.model_version_status.add(version=version, state=state.state)
                found.status.error_code = state.code
                found.status.error_message = state.error
            return response

        return _guard(context, answer)


def _check_model_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise RequestError(grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec")


def _check_metadata_fields(fields: Any) -> None:
    if not fields:
        raise RequestError(
            grpc.StatusCode.INVALID_ARGUMENT,
            "GetModelMetadataRequest must specify at least one metadata_field",
        )
    for field in fields:
        if field != SIGNATURE_DEF_FIELD:
            raise RequestError(grpc.StatusCode.INVALID_ARGUMENT, f"Metadata field {field} is not supported")


def _guard(context: grpc.ServicerContext, answer: Callable[[], Answer]) -> Answer:
    """Answers, or ends the call with the code of what went wrong."""
    try:
        return answer()
    except RequestError as error:
        return _abort(context, error.code, error.message)
    except tf.errors.OpError as error:
        return _abort(context, _CODES[error.error_code], explain_graph_error(error))
    except Exception as error:
        _log.exception("a request failed")
        return _abort(context, grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> Any:
    """Ends a call; raises."""
    if len(message) > MAX_MESSAGE_LENGTH:
        message = f"{message[:MAX_MESSAGE_LENGTH]}...TRUNCATED"
    return context.abort(code, message)
