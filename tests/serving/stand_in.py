"""A server that speaks TensorFlow Serving's gRPC over real sockets, without TensorFlow; it does as told."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np

from components import contract
from serving.protos import wire_pb2
from serving.requests import HEALTH, METADATA, PREDICT, STATUS, Method
from serving.tensors import read_tensor, write_tensor

NUM_THREADS = 16
GRID = (len(contract.HORIZONS), len(contract.QUANTILE_LEVELS))


@dataclasses.dataclass(frozen=True)
class Call:
    """What reached the server."""

    path: str
    request: Any
    headers: dict[str, str]


class StandIn:
    """Answers for some versions of a model until a hook, called before each answer, says otherwise."""

    def __init__(self) -> None:
        self.versions = [1]
        self.labels: dict[str, int] = {}
        self.has_health_service = True
        self.calls: list[Call] = []
        self.before: Callable[[Call, grpc.ServicerContext], None] = lambda *_: None
        self.most_under_way = 0
        self._under_way = 0
        self._lock = threading.Lock()

    def add_to(self, server: grpc.Server) -> None:
        """Lets a server answer for this one."""
        answers = {PREDICT: self._predict, METADATA: self._tell, STATUS: self._list, HEALTH: self._check}
        for method, answer in answers.items():
            if method is not HEALTH or self.has_health_service:
                service, name = method.path.strip("/").split("/")
                handler = {name: self._handle(method, answer)}
                server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handler),))

    def count(self, method: Method) -> int:
        """How many calls of a method came."""
        return sum(call.path == method.path for call in self.calls)

    def _handle(self, method: Method, answer: Callable[..., Any]) -> grpc.RpcMethodHandler:
        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            call = Call(method.path, request, dict(context.invocation_metadata()))
            with self._lock:
                self.calls.append(call)
                self._under_way += 1
                self.most_under_way = max(self.most_under_way, self._under_way)
            try:
                self.before(call, context)
                return answer(request, context)
            finally:
                with self._lock:
                    self._under_way -= 1

        return grpc.unary_unary_rpc_method_handler(
            handle, method.request.FromString, method.response.SerializeToString
        )

    def _find(self, spec: wire_pb2.ModelSpec, context: grpc.ServicerContext) -> int:
        version = max(self.versions)
        if spec.version_label:
            if spec.version_label not in self.labels:
                context.abort(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    f"Unrecognized servable version label: {spec.version_label}",
                )
            version = self.labels[spec.version_label]
        elif spec.HasField("version"):
            version = spec.version.value
        if version not in self.versions:
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Specific({spec.name}, {version})"
            )
        return version

    def _predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        version = self._find(request.model_spec, context)
        response = wire_pb2.PredictResponse()
        response.model_spec.version.value = version
        for name, array in make_outputs(read_tensor(request.inputs[contract.CLOSE]), version).items():
            write_tensor(array, response.outputs[name], as_fields=True)
        return response

    def _tell(self, request: Any, context: grpc.ServicerContext) -> Any:
        response = wire_pb2.GetModelMetadataResponse()
        response.model_spec.version.value = self._find(request.model_spec, context)
        response.metadata["signature_def"].value = b""
        return response

    def _list(self, request: Any, context: grpc.ServicerContext) -> Any:
        if not self.versions:
            context.abort(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model")
        response = wire_pb2.GetModelStatusResponse()
        for version in self.versions:
            response.model_version_status.add(version=version, state=wire_pb2.ModelVersionStatus.AVAILABLE)
        return response

    def _check(self, request: Any, context: grpc.ServicerContext) -> Any:
        return wire_pb2.HealthCheckResponse(status=wire_pb2.HealthCheckResponse.SERVING)


def make_outputs(close: np.ndarray, version: int) -> dict[str, np.ndarray]:
    """A forecast that tells whose it is: each price is the last close times the version."""
    last_close = close[:, -1]
    prices = np.broadcast_to(version * last_close[:, None, None], (len(close), *GRID))
    return {
        contract.RETURN_QUANTILES: np.zeros((len(close), *GRID), np.float32),
        contract.PRICE_QUANTILES: prices.astype(np.float32),
        contract.LAST_CLOSE: last_close,
        contract.QUANTILE_LEVELS_OUTPUT: np.array(contract.QUANTILE_LEVELS, np.float32),
        contract.HORIZONS_OUTPUT: np.array(contract.HORIZONS, np.int32),
        contract.MODEL_VERSION: np.array(f"m{version}".encode(), object),
    }


@contextlib.contextmanager
def listening(
    stand_in: StandIn, credentials: grpc.ServerCredentials | None = None, address: str = "127.0.0.1:0"
) -> Iterator[str]:
    """Its address while it listens."""
    server = grpc.server(
        concurrent.futures.ThreadPoolExecutor(NUM_THREADS),
        options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)],
    )
    stand_in.add_to(server)
    host = address.rpartition(":")[0]
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    try:
        yield f"{host}:{port}"
    finally:
        server.stop(0).wait()
