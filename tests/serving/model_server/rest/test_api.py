"""The REST interface over a socket: paths, verbs, bodies, codes, and a stop that loses nothing."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gzip
import http.client
import json
import threading

import numpy as np
import pytest

from components import contract
from serving.bars import take_latest_bars
from tests.serving.conftest import free_port, push, serving
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf
MODEL = f"/v1/models/{contract.MODEL_NAME}"


@pytest.fixture(scope="module")
def server(exported, tmp_path_factory):
    base_path = tmp_path_factory.mktemp("rest") / contract.MODEL_NAME
    base_path.mkdir()
    push(exported, 1, base_path)
    monitoring = base_path.parent / "monitoring.txt"
    monitoring.write_text("prometheus_config { enable: true path: '/figures' }")
    with serving(base_path, rest_api_port=free_port(), monitoring_config_file=str(monitoring)) as started:
        yield started


@pytest.fixture
def ask(server):
    """Asks over one connection: (method, path, body) -> (status, answer)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=60)

    def send(method, path, body=None, headers=None):
        content = json.dumps(body).encode() if isinstance(body, dict) else body
        connection.request(method, path, content, headers or {})
        response = connection.getresponse()
        text = response.read()
        kind = response.headers["Content-Type"]
        return response.status, json.loads(text) if kind.startswith("application/json") and text else text

    yield send
    connection.close()


def columns(num_tickers=2):
    latest = take_latest_bars(make_frame())
    inputs = {name: values[:num_tickers].tolist() for name, values in latest.columns.items()}
    return {contract.TICKER: list(latest.tickers[:num_tickers]), **inputs}


def test_columns_are_answered_as_over_grpc(server, ask):
    from serving.client import ForecastClient

    status, found = ask("POST", f"{MODEL}:predict", {"signature_name": "forecast", "inputs": columns()})
    assert status == 200
    with ForecastClient(server.address) as client:
        expected = client.forecast(make_frame())
    outputs = found["outputs"]
    for name in (contract.RETURN_QUANTILES, contract.PRICE_QUANTILES, contract.LAST_CLOSE):
        np.testing.assert_array_equal(np.array(outputs[name], np.float32), getattr(expected, name))
    assert outputs[contract.MODEL_VERSION] == "tiny-1"
    assert outputs[contract.HORIZONS_OUTPUT] == list(contract.HORIZONS)


def test_rows_need_a_signature_whose_outputs_have_rows(ask):
    inputs = columns()
    rows = [{name: values[row] for name, values in inputs.items()} for row in range(2)]
    status, found = ask(
        "POST", f"{MODEL}:predict", {"signature_name": contract.ROW_FORECAST_SIGNATURE, "instances": rows}
    )
    assert status == 200
    assert [row[contract.MODEL_VERSION] for row in found["predictions"]] == ["tiny-1"] * 2
    assert np.array(found["predictions"][0][contract.PRICE_QUANTILES]).shape == (5, 7)
    status, found = ask(
        "POST", f"{MODEL}:predict", {"signature_name": contract.FORECAST_SIGNATURE, "instances": rows}
    )
    assert (status, "Tensor name:" in found["error"]) == (400, True)


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1", "/V1/MODELS/marketcast"])
def test_the_status_is_told(ask, path):
    assert ask("GET", path) == (
        200,
        {
            "model_version_status": [
                {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
            ]
        },
    )


def test_the_signatures_are_told(ask):
    status, found = ask("GET", f"{MODEL}/metadata")
    assert status == 200
    assert found["model_spec"]["name"] == contract.MODEL_NAME
    assert found["model_spec"]["version"] == "1"
    signature = found["metadata"]["signature_def"]["signature_def"][contract.FORECAST_SIGNATURE]
    assert signature["method_name"] == "tensorflow/serving/predict"
    close = signature["inputs"][contract.CLOSE]
    assert close["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in close["tensor_shape"]["dim"]] == ["-1", "-1"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/v1/models", None, 400, "Missing model name in request."),
        ("GET", "/v1/models/other", None, 404, "Could not find any versions of model other"),
        ("GET", f"{MODEL}/versions/7", None, 404, "Could not find version 7 of model marketcast"),
        ("GET", f"{MODEL}/labels/stable", None, 400, "Unrecognized servable version label: stable"),
        ("GET", f"{MODEL}:predict", None, 400, f"Malformed request: GET {MODEL}:predict"),
        ("POST", MODEL, b"{}", 400, f"Malformed request: POST {MODEL}"),
        ("DELETE", MODEL, None, 400, f"Malformed request: DELETE {MODEL}"),
        ("GET", "/", None, 400, "Malformed request: GET /"),
        ("POST", f"{MODEL}:predict", b"", 400, "The document is empty"),
        ("POST", f"{MODEL}:predict", b"\xff\xfe\x00", 400, "JSON Parse error"),
        ("POST", f"{MODEL}:predict", b"[" * 1_000_000, 400, "JSON Parse error"),
        ("POST", f"{MODEL}:predict", {"signature_name": 1}, 400, "'signature_name' key must be a string"),
        ("POST", f"{MODEL}:predict", {"signature_name": "x"}, 400, '"x" not found in signature def'),
        ("POST", f"{MODEL}/versions/7:predict", {"inputs": 1}, 404, "Specific(marketcast, 7)"),
        ("POST", f"{MODEL}/versions/{2**70}:predict", {"inputs": 1}, 400, "to numeric."),
        ("POST", f"{MODEL}:predict", {"inputs": [1]}, 400, "is not of expected type: string"),
        ("POST", f"{MODEL}:classify", {"examples": [{}]}, 400, "Expected classification signature"),
        ("POST", f"{MODEL}:regress", {"examples": []}, 400, "'examples' value is an empty array"),
        (
            "POST",
            f"{MODEL}:regress",
            {"examples": [{"x": [1, "a"]}]},
            400,
            "Unexpected element type in feature: x",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_tensorflow_servings_code(ask, method, path, body, status, message):
    found, answer = ask(method, path, body)
    assert (found, message in answer["error"]) == (status, True), answer


def test_bars_that_are_none_are_refused_by_the_model(ask):
    inputs = columns()
    inputs[contract.CLOSE][0][3] = float("nan")
    status, found = ask("POST", f"{MODEL}:predict", {"signature_name": "forecast", "inputs": inputs})
    assert (status, "close must be positive and finite" in found["error"]) == (400, True)


def test_a_body_may_be_compressed(ask):
    body = gzip.compress(json.dumps({"signature_name": "forecast", "inputs": columns()}).encode())
    status, found = ask("POST", f"{MODEL}:predict", body, {"Content-Encoding": "gzip"})
    assert (status, found["outputs"][contract.MODEL_VERSION]) == (200, "tiny-1")


def test_a_body_of_100_megabytes_is_refused_and_the_server_lives_on(ask):
    status, found = ask("POST", f"{MODEL}:predict", b"\x00" * 100_000_000)
    assert (status, "JSON Parse error" in found["error"]) == (400, True)
    assert ask("GET", MODEL)[0] == 200


def test_requests_are_counted_by_model_and_status(ask):
    ask("POST", f"{MODEL}:predict", {"signature_name": "forecast", "inputs": columns()})
    ask("POST", "/v1/models/never-served:predict", {"inputs": 1})
    status, text = ask("GET", "/figures")
    lines = text.decode().splitlines()
    counts = {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")
    }
    assert status == 200
    assert counts[':tensorflow:serving:request_count{model_name="marketcast",status="OK"}'] >= 1
    assert counts[':tensorflow:serving:request_count{model_name="other",status="NOT_FOUND"}'] >= 1
    labels = 'model_name="marketcast",API="Predict",entrypoint="REST"'
    total = counts[f":tensorflow:serving:request_latency_count{{{labels}}}"]
    assert counts[f':tensorflow:serving:request_latency_bucket{{{labels},le="+Inf"}}'] == total >= 1
    assert counts[f":tensorflow:serving:request_latency_sum{{{labels}}}"] > 0
    assert any(line.startswith(":tensorflow:cc:saved_model:load_attempt_count{") for line in lines)
    assert "never-served" not in text.decode()


def test_requests_under_way_are_answered_at_a_stop(exported, base_path):
    push(exported, 1, base_path)
    body = json.dumps({"signature_name": "forecast", "inputs": columns()})
    sent = threading.Barrier(5)

    def post(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", f"{MODEL}:predict", body)
            sent.wait()
            return connection.getresponse().status

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        with serving(base_path, rest_api_port=free_port()) as server:
            answers = [pool.submit(post, server.rest_port) for _ in range(4)]
            sent.wait()
        assert [answer.result() for answer in answers] == [200] * 4
