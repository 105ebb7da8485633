"""A server process that is told to stop while it answers: who was let in is not sent away."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import time

import pytest

from components.errors import ServingError
from serving.connect import connect
from serving.server import GRACE_SECONDS
from tests.serving.conftest import free_port, push
from tests.serving.model_server.server_process import running
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf
NUM_CLIENTS = 4
WAIT_SECONDS = 3.0
"""How long a request lies at the server: it waits for others to be joined with, who do not come."""
BATCHING = f"""
max_batch_size {{ value: 1000 }}
batch_timeout_micros {{ value: {int(WAIT_SECONDS * 1e6)} }}
num_batch_threads {{ value: 2 }}
"""
TIMEOUT_SECONDS = 60.0


def ask(address):
    bars = make_frame(1)
    with connect(address, by_rows=True, timeout_seconds=TIMEOUT_SECONDS, max_attempts=1) as client:
        return client.forecast(bars).model_version


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_requests_under_way_are_answered(protocol, number, exported, base_path, tmp_path):
    push(exported, 1, base_path)
    parameters = tmp_path / "batching.config"
    parameters.write_text(BATCHING)
    flags = {"rest_api_port": free_port(), "enable_batching": "true", "batching_parameters_file": parameters}
    with (
        running(base_path, tmp_path / "log", **flags) as server,
        concurrent.futures.ThreadPoolExecutor(NUM_CLIENTS) as pool,
    ):
        address = f"{protocol}://127.0.0.1:{server.port if protocol == 'grpc' else server.rest_port}"
        asking = [pool.submit(ask, address) for _ in range(NUM_CLIENTS)]
        time.sleep(WAIT_SECONDS / 3)
        assert not any(one.done() for one in asking), "the signal must come while they wait"
        os.kill(server.pid, number)
        assert [one.result() for one in asking] == ["tiny-1"] * NUM_CLIENTS
        assert server.process.wait(GRACE_SECONDS) == 0
        with pytest.raises(ServingError, match="must be a server that can be reached"):
            ask(address)
    assert '"stopping"' in server.log.read_text()
