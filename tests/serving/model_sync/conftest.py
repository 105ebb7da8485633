"""A real S3 server over a socket, and a bucket for each test."""

from __future__ import annotations

import logging
import uuid

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.serving.model_sync.versions import Bucket


@pytest.fixture(scope="session")
def s3_endpoint():
    """URL of the server."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint, monkeypatch):
    """An empty bucket; the environment names its server and has a key."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    made = Bucket(f"bucket-{uuid.uuid4().hex[:12]}", client)
    client.create_bucket(Bucket=made.name)
    return made


@pytest.fixture
def target(tmp_path):
    """Folder of the servers; not there yet."""
    return tmp_path / "served" / "marketcast"
