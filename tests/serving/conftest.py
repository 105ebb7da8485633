"""A served model: versions of a tiny SavedModel, and servers over real sockets."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
from typing import Any

import grpc
import pytest

from components import contract


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Folders of exported models, whole with manifest: version -> folder; model_version is tiny-VERSION."""
    from tests.serving import tiny_model

    base = tmp_path_factory.mktemp("exported")
    folders = {version: base / str(version) for version in (1, 2, 3)}
    for version, folder in folders.items():
        tiny_model.save_tiny_model(folder, f"tiny-{version}")
        tiny_model.add_manifest(folder)
    return folders


@pytest.fixture
def base_path(tmp_path):
    """An empty model base path."""
    path = tmp_path / contract.MODEL_NAME
    path.mkdir()
    return path


def push(exported: dict[int, pathlib.Path], version: int, base_path: pathlib.Path) -> pathlib.Path:
    """Puts a version into its place at once, as a push does."""
    staging, target = base_path / f".pushing-{version}", base_path / str(version)
    shutil.copytree(exported[version], staging)
    os.rename(staging, target)
    return target


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextlib.contextmanager
def serving(base_path: pathlib.Path, poll_wait_seconds: float = 0.05, **flags: Any):
    """A server in this process, on a free port."""
    from serving.server import Server
    from serving.server_config import ServerConfig

    server = Server(
        ServerConfig(
            port=0, model_base_path=str(base_path), file_system_poll_wait_seconds=poll_wait_seconds, **flags
        )
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(exported, base_path):
    """A server with version 1."""
    push(exported, 1, base_path)
    with serving(base_path) as started:
        yield started


@pytest.fixture
def stubs(server):
    """TensorFlow Serving's own stubs: (PredictionService, ModelService)."""
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    with grpc.insecure_channel(server.address) as channel:
        yield (
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
        )
