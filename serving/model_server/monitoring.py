"""What --monitoring_config_file says."""

from __future__ import annotations

from components.errors import ConfigError
from serving.model_server.text_files import read_message
from serving.protos import server_files_pb2

FLAG = "monitoring_config_file"
DEFAULT_PATH = "/monitoring/prometheus/metrics"
"""TensorFlow Serving's."""


def read_prometheus_path(file: str) -> str:
    """The path under which REST tells its figures; empty where it does not.

    Raises:
      ConfigError: the file is missing, cannot be parsed, or names a path that is none.
    """
    prometheus = read_message(FLAG, file, server_files_pb2.MonitoringConfig()).prometheus_config
    if not prometheus.enable:
        return ""
    path = prometheus.path or DEFAULT_PATH
    if not path.startswith("/"):
        raise ConfigError(f"--{FLAG} must name a path that begins with /, got {path!r} in {file}; mend it")
    return path
