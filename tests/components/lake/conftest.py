"""A place for a lake. The S3 server and its buckets are those of the model sync's tests."""

from __future__ import annotations

import pathlib

import pytest

from tests.serving.model_sync.conftest import bucket, s3_endpoint

__all__ = ["bucket", "s3_endpoint"]


@pytest.fixture(name="lake")
def fixture_lake(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where no lake is yet."""
    return tmp_path / "lake"
