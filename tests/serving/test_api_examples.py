"""docs/api.md: each of its examples is run as it stands there, and all tell the same forecast."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from components import contract
from serving.client import ForecastClient
from tests.conftest import ROOT
from tests.serving.conftest import free_port, push, serving

pytestmark = pytest.mark.tf
GRPC_PORT, REST_PORT = "localhost:8500", "localhost:8501"
BLOCKS = re.findall(
    r"^```(python|sh)\n(.*?)^```$", (ROOT / "docs" / "api.md").read_text(), re.DOTALL | re.MULTILINE
)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [code for language, code in BLOCKS if language == "sh"]


@pytest.fixture(scope="module")
def running(exported, tmp_path_factory):
    """A server, and a folder that has what the documents name as seen from the repository's root."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("data", "docs", "serving"):
        (folder / name).symlink_to(ROOT / name)
    base_path = tmp_path_factory.mktemp("models")
    push(exported, 1, base_path)
    monitoring = folder / "monitoring.config"
    monitoring.write_text("prometheus_config { enable: true }")
    with serving(base_path, rest_api_port=free_port(), monitoring_config_file=str(monitoring)) as server:
        yield server, folder


@pytest.fixture(scope="module")
def run(running):
    """Runs an example where the reader would; what it printed."""
    server, folder = running
    tools = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))

    def run_block(language, code):
        for told, port in ((GRPC_PORT, server.port), (REST_PORT, server.rest_port)):
            code = code.replace(told, f"127.0.0.1:{port}")
        command = [sys.executable, "-c", code] if language == "python" else ["sh", "-e", "-c", code]
        ended = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": tools, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
        return ended.stdout

    # The bodies of the requests, before whichever example is asked first.
    run_block("python", find(PYTHON, "request.json"))
    return run_block


@pytest.fixture(scope="module")
def expected(running):
    """Price quantiles of AAPL, [horizons, levels]."""
    bars = pd.read_csv(ROOT / "data" / "raw" / "stock_prices.csv")
    with ForecastClient(running[0].address) as client:
        return client.forecast(bars[bars[contract.TICKER] == "AAPL"]).price_quantiles[0]


def find(blocks, sign):
    (block,) = [code for code in blocks if sign in code]
    return block


def lines(block):
    """A block's commands, one by one; a backslash at the end joins lines."""
    return block.replace("\\\n", " ").splitlines()


def test_the_client_prints_a_table_and_a_band(run, expected):
    printed = run("python", find(PYTHON, "to_frame"))
    assert "70 rows" in printed
    assert f"AAPL, day after 2013-03-01: {expected[0, 0]:.2f} to {expected[0, -1]:.2f}" in printed


def test_any_address_will_do(run):
    printed = run("python", find(PYTHON, "serving.connect"))
    assert printed.startswith("SERVING (VersionStatus(version=1, state='AVAILABLE', error=''),)")
    assert contract.ROW_FORECAST_SIGNATURE in printed


def test_asyncio_asks_for_all_at_once(run, expected):
    printed = run("python", find(PYTHON, "asyncio"))
    assert [line.split(",")[0] for line in printed.splitlines() if "(" in line] == [
        "('AAPL'",
        "('GOOG'",
        "('IBM'",
        "('MSFT'",
    ]
    medians = [float(price) for price in printed.split("[")[1].split("]")[0].split()]
    np.testing.assert_allclose(medians, expected[:, contract.MEDIAN_INDEX], rtol=1e-4)


def test_curl_gets_the_forecast_in_both_formats(run, expected):
    by_rows, by_columns = (json.loads(run("sh", line)) for line in lines(find(SHELL, "@rows.json")))
    np.testing.assert_allclose(by_rows["predictions"][0][contract.PRICE_QUANTILES], expected, rtol=1e-6)
    np.testing.assert_allclose(by_columns["outputs"][contract.PRICE_QUANTILES][0], expected, rtol=1e-6)


def test_curl_gets_status_metadata_and_a_refusal(run):
    status, metadata, refusal = (json.loads(run("sh", line)) for line in lines(find(SHELL, "/metadata")))
    assert status["model_version_status"][0]["state"] == "AVAILABLE"
    assert contract.FORECAST_SIGNATURE in metadata["metadata"]["signature_def"]["signature_def"]
    assert "No values in 'instances' array" in refusal["error"]


def test_curl_gets_figures(run):
    assert ":tensorflow:serving:request_count{" in run("sh", find(SHELL, "prometheus"))


def test_grpcurl_gets_the_forecast(run, expected):
    answer = json.loads(run("sh", find(SHELL, "request.json")))
    assert answer["modelSpec"]["version"] == "1"
    prices = answer["outputs"][contract.PRICE_QUANTILES]["floatVal"]
    np.testing.assert_allclose(np.reshape(prices, expected.shape), expected, rtol=1e-6)


def test_grpcurl_gets_status_metadata_and_health(run):
    status, metadata, health = (json.loads(run("sh", line)) for line in lines(find(SHELL, "health.proto")))
    assert status["modelVersionStatus"][0]["state"] == "AVAILABLE"
    signatures = metadata["metadata"]["signature_def"]["signatureDef"]
    assert signatures[contract.FORECAST_SIGNATURE]["inputs"][contract.CLOSE]["dtype"] == "DT_FLOAT"
    assert health == {"status": "SERVING"}


def test_each_example_has_its_test():
    assert (len(PYTHON), len(SHELL)) == (4, 5)
