"""The parts of a server, made as its flags say."""

from __future__ import annotations

import grpc

from serving.model_server.batching import Batcher
from serving.model_server.batching_parameters import read_batching_parameters
from serving.model_server.health import Health
from serving.model_server.load_options import LoadOptions
from serving.model_server.metrics import Metrics
from serving.model_server.model_source import FileSource, FlagSource, ModelSource
from serving.model_server.models import Models
from serving.model_server.monitoring import read_prometheus_path
from serving.model_server.rest.server import RestServer
from serving.server_config import ServerConfig


def make_batcher(config: ServerConfig) -> Batcher | None:
    """What joins requests; None where each runs by itself."""
    if not config.enable_batching:
        return None
    return Batcher(read_batching_parameters(config.batching_parameters_file))


def make_models(config: ServerConfig, metrics: Metrics, batcher: Batcher | None) -> Models:
    """The models, none of them known yet."""
    options = LoadOptions(
        metrics=metrics,
        batcher=batcher,
        enable_model_warmup=config.enable_model_warmup,
        max_num_load_retries=config.max_num_load_retries,
        load_retries_interval_micros=config.load_retries_interval_micros,
        intra_op_parallelism=config.tensorflow_intra_op_parallelism,
        inter_op_parallelism=config.tensorflow_inter_op_parallelism,
    )
    return Models(options, config.allow_version_labels_for_unavailable_models)


def make_source(config: ServerConfig) -> ModelSource:
    """What says which models to serve."""
    if config.model_config_file:
        return FileSource(config.model_config_file)
    return FlagSource(config.model_name, config.model_base_path)


def add_health(config: ServerConfig, server: grpc.Server) -> Health | None:
    """Answers health checks; None where they are turned off."""
    return Health(server) if config.enable_grpc_healthcheck_service else None


def make_rest(config: ServerConfig, models: Models, metrics: Metrics) -> RestServer | None:
    """The REST server, with its port taken; None where there is to be none."""
    path = read_prometheus_path(config.monitoring_config_file) if config.monitoring_config_file else ""
    if not config.rest_api_port:
        return None
    return RestServer(models, metrics, config, path)
