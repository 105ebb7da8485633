"""k8s/overlays/local on a real Kubernetes: it serves, and goes on serving whatever is changed."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time

import pytest

from components import contract
from tests.cluster.scene import (
    DEPLOYMENT,
    GRPC_NAME,
    REST_NAME,
    execute,
    kubectl,
    load,
    pods,
    read,
)
from tests.serving.sample_bars import make_frame

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("stack")]
MIN_ANSWERS = 20
"""Fewer say nothing about what happened meanwhile."""


def wait_for(condition, seconds: float = 120.0) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not hold in {seconds:.0f} s"
        time.sleep(0.5)


def forecast_in_pod(*arguments: str) -> dict:
    """What the client's pod is told."""
    command = ["marketcast", "forecast", "--ticker=AAPL", "--data=/app/data/raw/stock_prices.csv", "--json"]
    return json.loads(execute("client", *command, *arguments))


def rollout(*arguments: str) -> str:
    """`marketcast rollout` by its own service account, in a pod."""
    options = (
        "--config-map=marketcast-models",
        f"--address={GRPC_NAME}",
        "--model-base-path=/models/marketcast",
    )
    return execute("operator", "marketcast", "rollout", *arguments, *options)


def assert_answered(results: dict) -> None:
    """Many answers, and no failure."""
    assert results["failures"] == {}
    assert sum(results["versions"].values()) >= MIN_ANSWERS, results


def test_pods_run_under_the_restricted_standard():
    labels = read("namespace", "marketcast")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    running = pods()
    assert len(running) == 2
    for pod in running:
        assert all(
            status["ready"] and status["restartCount"] == 0 for status in pod["status"]["containerStatuses"]
        )


@pytest.mark.parametrize("address", [GRPC_NAME, REST_NAME])
def test_a_client_pod_gets_a_forecast_through_the_service(address):
    told = forecast_in_pod(f"--address={address}")
    assert "tiny-1" in json.dumps(told)


def test_a_forecast_from_outside_by_port_forward():
    from serving.connect import connect

    command = ["kubectl", "--namespace=marketcast", "port-forward", "service/marketcast-grpc", ":8500"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            port = re.search(r"127\.0\.0\.1:(\d+)", forwarding.stdout.readline()).group(1)
            with connect(f"127.0.0.1:{port}", timeout_seconds=10) as client:
                assert client.forecast(make_frame()).model_version == "tiny-1"
        finally:
            forwarding.terminate()


def test_figures_are_told():
    figures = execute(
        "client",
        "python",
        "-c",
        "import urllib.request as r; "
        f"print(r.urlopen('{REST_NAME}/monitoring/prometheus/metrics').read().decode())",
    )
    assert ":tensorflow:serving:request_count" in figures


def test_a_new_version_is_served_without_a_failed_request(stack):
    results: dict = {}
    with load(results):
        stack.push(2)
        wait_for(lambda: all(is_served(pod, 2) for pod in pods()))
        time.sleep(2)
    assert_answered(results)
    assert set(results["versions"]) == {"tiny-1", "tiny-2"}


def is_served(pod: dict, version: int) -> bool:
    """Whether a server answers by a version."""
    address = (
        f"http://{pod['status']['podIP']}:8501/v1/models/{contract.MODEL_NAME}/versions/{version}/metadata"
    )
    return (
        subprocess.run(
            ["curl", "--silent", "--fail", "--output", "/dev/null", address], check=False
        ).returncode
        == 0
    )


def test_a_bad_image_stops_the_rollout_and_is_undone_without_a_failed_request():
    before = {pod["metadata"]["name"] for pod in pods()}
    results: dict = {}
    with load(results):
        kubectl("set", "image", DEPLOYMENT, "server=marketcast:missing")
        kubectl("patch", DEPLOYMENT, "--patch", '{"spec": {"progressDeadlineSeconds": 15}}')
        said = kubectl("rollout", "status", DEPLOYMENT, "--timeout=60s", is_checked=False)
        assert "successfully rolled out" not in said
        assert before <= {pod["metadata"]["name"] for pod in pods()}, "the old pods must stay"
        kubectl("rollout", "undo", DEPLOYMENT)
        kubectl("patch", DEPLOYMENT, "--patch", '{"spec": {"progressDeadlineSeconds": 300}}')
        kubectl("rollout", "status", DEPLOYMENT, "--timeout=120s")
    assert_answered(results)


def test_a_restart_of_all_pods_loses_no_request():
    before = {pod["metadata"]["name"] for pod in pods()}
    results: dict = {}
    with load(results):
        kubectl("rollout", "restart", DEPLOYMENT)
        kubectl("rollout", "status", DEPLOYMENT, "--timeout=200s")
        wait_for(lambda: not before & all_names())
    assert_answered(results)


def all_names() -> set[str]:
    """Of the servers' pods, those on their way out included."""
    items = read("pods", "--selector=app.kubernetes.io/name=marketcast-serving")["items"]
    return {pod["metadata"]["name"] for pod in items}


def test_a_drain_respects_the_disruption_budget():
    first, second = (pod["metadata"]["name"] for pod in pods())
    with cordoned():
        assert evict(first) == 0, "one pod may go"
        wait_for(
            lambda: read("poddisruptionbudget", "marketcast-serving")["status"]["disruptionsAllowed"] == 0
        )
        assert evict(second) != 0, "the last one must stay"
        assert second in {pod["metadata"]["name"] for pod in pods()}
    kubectl("rollout", "status", DEPLOYMENT, "--timeout=200s")


@contextlib.contextmanager
def cordoned():
    """No pod can start on the node, so that an evicted one is not replaced."""
    kubectl("cordon", "localhost")
    try:
        yield
    finally:
        kubectl("uncordon", "localhost")


def evict(pod: str) -> int:
    """Asks the API server to evict a pod, as a drain does; the command's exit code."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": "marketcast"},
    }
    path = f"/api/v1/namespaces/marketcast/pods/{pod}/eviction"
    ended = subprocess.run(
        ["kubectl", "create", "--raw", path, "--filename=-"], input=json.dumps(body), text=True, check=False
    )
    return ended.returncode


def test_a_canary_is_promoted_and_rolled_back_by_its_own_service_account(stack):
    results: dict = {}
    with load(results):
        stack.push(2)
        rollout("promote", "2")
        stack.push(3)
        rollout("canary", "3")
        assert asked_by_label("canary") == "tiny-3"
        assert asked_by_label("stable") == "tiny-2"
        rollout("promote")
        assert asked_by_label("stable") == "tiny-3"
        rollout("rollback")
        assert asked_by_label("stable") == "tiny-2"
    assert_answered(results)
    audit = json.dumps(read("configmap", "marketcast-models")["data"])
    assert audit.count("rollback") >= 1


def asked_by_label(label: str) -> str:
    """The version that answers by a label."""
    return forecast_in_pod(f"--address={GRPC_NAME}", f"--label={label}")["model_version"]
