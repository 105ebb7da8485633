"""gRPC's health checks, which load balancers and Kubernetes' probes ask for."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

ALL_SERVICES = ""
"""gRPC's name for the server as a whole."""
SERVICES = (ALL_SERVICES, "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService")


class Health:
    """Says SERVING while each model has a version that answers, and NOT_SERVING as soon as a stop begins.

    Source: https://grpc.io/docs/guides/health-checking
    """

    def __init__(self, server: grpc.Server) -> None:
        """Answers NOT_SERVING for now."""
        self._servicer = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        self.tell(False)

    def tell(self, is_serving: bool) -> None:
        """Answers this from now on."""
        status = health_pb2.HealthCheckResponse.ServingStatus
        for service in SERVICES:
            self._servicer.set(service, status.SERVING if is_serving else status.NOT_SERVING)

    def stop(self) -> None:
        """Answers NOT_SERVING for good."""
        self._servicer.enter_graceful_shutdown()
