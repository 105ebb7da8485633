"""The gRPC services, as TensorFlow Serving names them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving.answers import SIGNATURE_DEF_FIELD
from serving.model_server import inference
from serving.model_server.metrics import GRPC, OK, Metrics
from serving.model_server.model_entries import read_entries
from serving.model_server.models import Models
from serving.model_server.replies import make_metadata, make_status
from serving.model_server.request_error import explain, refuse

Answer = TypeVar("Answer")

MAX_MESSAGE_LENGTH = 1024
"""TensorFlow Serving cuts longer error messages, which travel in a header."""


def add_services(server: grpc.Server, models: Models, metrics: Metrics) -> None:
    """Lets a server answer for some models, and count what it is asked."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(models, metrics), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(models), server)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Runs signatures, and tells which there are."""

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self._models = models
        self._metrics = metrics

    def Predict(  # noqa: N802 (TensorFlow Serving's name)
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        """Runs a signature."""
        return self._count("Predict", request, context, lambda: self._find(request).predict(request))

    def Classify(  # noqa: N802
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        """Classes and scores of examples."""
        return self._count(
            "Classify", request, context, lambda: inference.classify(self._find(request), request)
        )

    def Regress(  # noqa: N802
        self, request: regression_pb2.RegressionRequest, context: grpc.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        """A number for each example."""
        return self._count(
            "Regress", request, context, lambda: inference.regress(self._find(request), request)
        )

    def MultiInference(  # noqa: N802
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        """Several of the two above, over the same examples."""

        def answer() -> inference_pb2.MultiInferenceResponse:
            if not request.tasks:
                raise refuse("Inference request must have tasks specified.")
            return inference.infer(self._find(request.tasks[0]), request)

        return self._count("MultiInference", next(iter(request.tasks), None), context, answer)

    def GetModelMetadata(  # noqa: N802
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Answers the signatures."""

        def answer() -> get_model_metadata_pb2.GetModelMetadataResponse:
            _check_model_spec(request)
            _check_metadata_fields(request.metadata_field)
            return make_metadata(self._models.find(request.model_spec))

        return _guard(context, answer)

    def _count(
        self, api: str, request: Any, context: grpc.ServicerContext, answer: Callable[[], Answer]
    ) -> Answer:
        """Answers, and counts the request and how long it took."""
        status = OK
        start = time.perf_counter()
        try:
            return _guard(context, answer)
        except Exception:
            status = context.code().name
            raise
        finally:
            model = request.model_spec.name if request is not None else ""
            self._metrics.observe_request(
                self._models.known_name(model), api, GRPC, status, time.perf_counter() - start
            )

    def _find(self, request: Any) -> Any:
        """The servable that a request or a task asks for."""
        _check_model_spec(request)
        return self._models.find(request.model_spec)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Tells how the versions stand, and takes new configurations."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def GetModelStatus(  # noqa: N802
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Answers the state of the versions, newest first."""

        def answer() -> get_model_status_pb2.GetModelStatusResponse:
            _check_model_spec(request)
            return make_status(self._models.describe(request.model_spec))

        return _guard(context, answer)

    def HandleReloadConfigRequest(  # noqa: N802
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        """Serves what the request says from now on."""

        def answer() -> model_management_pb2.ReloadConfigResponse:
            self._models.check_available(self._models.configure(read_entries(request.config)))
            response = model_management_pb2.ReloadConfigResponse()
            response.status.SetInParent()
            return response

        return _guard(context, answer)


def _check_model_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise refuse("Missing ModelSpec")


def _check_metadata_fields(fields: Any) -> None:
    if not fields:
        raise refuse("GetModelMetadataRequest must specify at least one metadata_field")
    for field in fields:
        if field != SIGNATURE_DEF_FIELD:
            raise refuse(f"Metadata field {field} is not supported")


def _guard(context: grpc.ServicerContext, answer: Callable[[], Answer]) -> Answer:
    """Answers, or ends the call with the code of what went wrong."""
    try:
        return answer()
    except Exception as error:
        told = explain(error)
        message = told.message
        if len(message) > MAX_MESSAGE_LENGTH:
            message = f"{message[:MAX_MESSAGE_LENGTH]}...TRUNCATED"
        return context.abort(told.code, message)
