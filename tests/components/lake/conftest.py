"""The S3 server and its buckets are those of the model sync's tests."""

from tests.serving.model_sync.conftest import bucket, s3_endpoint

__all__ = ["bucket", "s3_endpoint"]
