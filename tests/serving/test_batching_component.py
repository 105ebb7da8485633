"""k8s/components/batching: a server with its flags and its file joins what our clients ask."""

from __future__ import annotations

import concurrent.futures

import pandas as pd
import pytest

from serving.call_error import CallError
from serving.client import ForecastClient
from serving.client_config import MAX_TICKERS
from serving.server_config import ServerConfig
from tests.k8s.manifests import FOLDER, find, render
from tests.serving.conftest import push, serving
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf
COMPONENT = "components/batching"
FILE = FOLDER / COMPONENT / "config" / "batching.config"


@pytest.fixture
def batching(exported, base_path):
    """A server with the switches that the component sets."""
    push(exported, 1, base_path)
    spec = find(render(COMPONENT), "Deployment", "marketcast-serving")["spec"]["template"]["spec"]
    given = dict(one.removeprefix("--").split("=", 1) for one in spec["containers"][0]["args"])
    switches = {name: given[name] == "true" for name in ("enable_batching", "enable_model_warmup")}
    assert switches != {name: getattr(ServerConfig(), name) for name in switches}
    with serving(base_path, batching_parameters_file=str(FILE), **switches) as server:
        yield server


def test_many_clients_and_the_largest_request_of_one_are_answered(batching):
    bars = make_frame(1)
    many = pd.concat([bars.assign(ticker=f"T{number}") for number in range(MAX_TICKERS)])
    with ForecastClient(batching.address, by_rows=True, timeout_seconds=60) as client:
        alone = client.forecast(bars).price_quantiles
        assert client.forecast(many).price_quantiles.shape[0] == MAX_TICKERS
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            for forecast in threads.map(client.forecast, [bars] * 32):
                assert forecast.price_quantiles == pytest.approx(alone)


def test_the_signature_without_rows_is_refused(batching):
    with ForecastClient(batching.address, max_attempts=1) as client, pytest.raises(CallError) as caught:
        client.forecast(make_frame(2))
    assert caught.value.code == "FAILED_PRECONDITION"
