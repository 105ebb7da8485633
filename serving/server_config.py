"""The server's flags: TensorFlow Serving's, by their names, and --host."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from components import contract
from components.errors import ConfigError

DEFAULT_PORT = 8500
"""TensorFlow Serving's, of gRPC."""
LOOPBACK = "127.0.0.1"
TRUE, FALSE = "true", "false"


@dataclasses.dataclass(frozen=True)
class ServerConfig:
    """What the server serves, where and how. All but `host` are TensorFlow Serving's flags.

    Attributes:
      port: of gRPC; 0 takes a free one.
      rest_api_port: of REST; 0 serves none.
      rest_api_timeout_in_ms: longest time for one REST request.
      rest_api_num_threads: REST requests at the same time; 0 chooses.
      grpc_max_threads: gRPC requests at the same time; 0 chooses.
      grpc_channel_arguments: options of gRPC's server, as name=value, with commas between them.
      model_name: what clients call the model.
      model_base_path: folder of the versions.
      model_config_file: a ModelServerConfig in text format, for several models, version policies and
        labels; the two flags above mean nothing then.
      model_config_file_poll_wait_seconds: between two looks into that file; 0 looks once.
      monitoring_config_file: a MonitoringConfig in text format; says whether REST tells figures.
      ssl_config_file: an SSLConfig in text format: gRPC speaks TLS only.
      enable_batching: join requests that come at the same time.
      batching_parameters_file: BatchingParameters in text format.
      file_system_poll_wait_seconds: between two looks for new versions; 0 looks once.
      allow_version_labels_for_unavailable_models: a new label may name a version that is not loaded.
      enable_model_warmup: replay a version's warm-up requests before it answers.
      max_num_load_retries: how often a version that failed is tried again.
      load_retries_interval_micros: between two tries.
      tensorflow_intra_op_parallelism: threads inside one operation; 0 lets TensorFlow choose.
      tensorflow_inter_op_parallelism: operations at the same time; 0 lets TensorFlow choose.
      enable_grpc_healthcheck_service: answer gRPC's health checks.
      host: address to listen on; the default is reached from this machine only.
    """

    port: int = DEFAULT_PORT
    rest_api_port: int = 0
    rest_api_timeout_in_ms: int = 30_000
    rest_api_num_threads: int = 0
    grpc_max_threads: int = 0
    grpc_channel_arguments: str = ""
    model_name: str = contract.MODEL_NAME
    model_base_path: str = f"models/{contract.MODEL_NAME}"
    model_config_file: str = ""
    model_config_file_poll_wait_seconds: float = 0.0
    monitoring_config_file: str = ""
    ssl_config_file: str = ""
    enable_batching: bool = False
    batching_parameters_file: str = ""
    file_system_poll_wait_seconds: float = 1.0
    allow_version_labels_for_unavailable_models: bool = False
    enable_model_warmup: bool = True
    max_num_load_retries: int = 5
    load_retries_interval_micros: int = 60_000_000
    tensorflow_intra_op_parallelism: int = 0
    tensorflow_inter_op_parallelism: int = 0
    enable_grpc_healthcheck_service: bool = True
    host: str = LOOPBACK

    def __post_init__(self) -> None:
        for name in ("port", "rest_api_port"):
            if not 0 <= getattr(self, name) < 1 << 16:
                raise ConfigError(
                    f"--{name} must be in 0 .. 65535, got {getattr(self, name)}; use a port that is free"
                )
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"--{name} must be zero or more, got {getattr(self, name):g}; use 0 or more"
                )
        for name in ("model_name", "model_base_path", "host"):
            if not getattr(self, name):
                raise ConfigError(f"--{name} must not be empty, got ''; leave it out for the default")
        if self.batching_parameters_file and not self.enable_batching:
            raise ConfigError(
                "--batching_parameters_file must come with --enable_batching, got it alone; add "
                "--enable_batching"
            )
        _ = self.channel_options  # Checks them.

    @property
    def channel_options(self) -> tuple[tuple[str, int | str], ...]:
        """What grpc_channel_arguments says: a value that is a whole number is one.

        Source: parseGrpcChannelArgs in tensorflow_serving/model_servers/server.cc.
        """
        options: list[tuple[str, int | str]] = []
        for pair in filter(None, self.grpc_channel_arguments.split(",")):
            name, sign, value = pair.partition("=")
            if not (name and sign and value):
                raise ConfigError(
                    f"--grpc_channel_arguments must be name=value pairs with commas between, got {pair!r}; "
                    "write it as grpc.max_connection_age_ms=20000"
                )
            options.append((name, int(value) if value.lstrip("-").isdigit() else value))
        return tuple(options)


_NOT_NEGATIVE = (
    "rest_api_timeout_in_ms",
    "rest_api_num_threads",
    "grpc_max_threads",
    "model_config_file_poll_wait_seconds",
    "file_system_poll_wait_seconds",
    "max_num_load_retries",
    "load_retries_interval_micros",
    "tensorflow_intra_op_parallelism",
    "tensorflow_inter_op_parallelism",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Gives a parser a flag for each field of ServerConfig; --flag alone turns a switch on."""
    for field in dataclasses.fields(ServerConfig):
        options: dict[str, Any] = {
            "type": type(field.default),
            "metavar": type(field.default).__name__.upper(),
        }
        if isinstance(field.default, bool):
            options = {"type": _parse_switch, "nargs": "?", "const": True, "metavar": f"{TRUE}|{FALSE}"}
        parser.add_argument(
            f"--{field.name}", default=field.default, help=f"default: {field.default!r}", **options
        )


def parse_flags(arguments: Sequence[str] | None, parser: argparse.ArgumentParser) -> ServerConfig:
    """The configuration that the flags say; others of the parser's flags are left to its owner."""
    known = {field.name for field in dataclasses.fields(ServerConfig)}
    flags = vars(parser.parse_args(arguments))
    return ServerConfig(**{name: value for name, value in flags.items() if name in known})


def _parse_switch(text: str) -> bool:
    if text.lower() not in (TRUE, FALSE, "1", "0"):
        raise argparse.ArgumentTypeError(f"must be {TRUE} or {FALSE}, got {text!r}")
    return text.lower() in (TRUE, "1")
