"""Object stores by their URLs: what the environment may say of them."""

from __future__ import annotations

import pytest

from components import object_store
from components.errors import ConfigError


@pytest.mark.parametrize(
    "endpoint", ["minio:9000", "localhost:9000", "foo", "http://", "http://a:b", "ftp://a"]
)
@pytest.mark.parametrize("variable", object_store.ENDPOINT_VARIABLES)
def test_an_endpoint_that_is_no_url_is_named(variable: str, endpoint: str) -> None:
    message = rf"^{variable} must be http\(s\)://HOST\[:PORT\], got '{endpoint}'; "
    with pytest.raises(ConfigError, match=message):
        object_store.open_store("s3://bucket/lake", environment={variable: endpoint})
    with pytest.raises(ConfigError, match=r"^the endpoint must be http"):
        object_store.open_store("s3://bucket/lake", endpoint, {})


@pytest.mark.parametrize("endpoint", ["", "http://minio:9000", "https://s3.example", "http://[::1]:9000/"])
def test_an_endpoint_is_a_url(endpoint: str) -> None:
    object_store.open_store("s3://bucket/lake", environment={"AWS_ENDPOINT_URL": endpoint})
