"""Names, ports and paths in k8s/ are those of contract.py and of the servers."""

from __future__ import annotations

import argparse

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from components import contract
from serving.model_server.model_entries import PLATFORM
from serving.model_server.monitoring import DEFAULT_PATH
from serving.protos import server_files_pb2
from serving.server_config import DEFAULT_PORT, ServerConfig, add_flags, parse_flags
from tests.k8s.manifests import OVERLAYS, find, render

GRPC_RESOLVES_AGAIN_AFTER_SECONDS = 30
"""Source: grpc.dns_min_time_between_resolutions_ms of gRPC's core."""
GRPC_AGE_JITTER = 1.1
"""How much longer than its age a connection may live. Source: MAX_CONNECTION_AGE_JITTER of gRPC's core."""
SERVING = [name for name in OVERLAYS if any(one["kind"] == "Deployment" for one in render(name))]
BASE_PATH = f"/models/{contract.MODEL_NAME}"


@pytest.fixture(params=SERVING)
def overlay(request):
    """The documents of an overlay that serves."""
    return render(request.param)


@pytest.fixture
def server(overlay):
    """The server's container."""
    spec = find(overlay, "Deployment", "marketcast-serving")["spec"]["template"]["spec"]
    [server] = [one for one in spec["containers"] if one["name"] == "server"]
    return server


def read(documents, name, key, message):
    """A file of a ConfigMap as TensorFlow Serving reads it."""
    return text_format.Parse(find(documents, "ConfigMap", name)["data"][key], message)


def test_the_config_of_models_is_that_of_the_contract(overlay):
    parsed = read(overlay, "marketcast-models", "models.config", model_server_config_pb2.ModelServerConfig())
    [model] = parsed.model_config_list.config
    assert (model.name, model.base_path) == (contract.MODEL_NAME, BASE_PATH)
    assert model.model_platform == PLATFORM


def test_figures_are_told_where_prometheus_asks(overlay, server):
    parsed = read(overlay, "marketcast-server", "monitoring.config", server_files_pb2.MonitoringConfig())
    assert parsed.prometheus_config.enable
    assert parsed.prometheus_config.path == DEFAULT_PATH == server["livenessProbe"]["httpGet"]["path"]


def test_the_arguments_are_ones_that_the_servers_take(server):
    options = [argument for argument in server["args"] if not argument.startswith("--host=")]
    known = argparse.ArgumentParser()
    add_flags(known)
    config = parse_flags(options, known)
    ports = {port["name"]: port["containerPort"] for port in server["ports"]}
    assert ports == {"grpc": config.port, "http": config.rest_api_port}
    assert config.port == DEFAULT_PORT


def test_files_that_arguments_name_are_mounted(overlay, server):
    spec = find(overlay, "Deployment", "marketcast-serving")["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in server["volumeMounts"]}
    assert BASE_PATH.startswith("/models") and "/models" in mounts
    for argument in server["args"]:
        flag, _, value = argument.partition("=")
        if flag.endswith("_file") and "/etc/marketcast/" in value:
            folder, _, file = value.rpartition("/")
            config = find(overlay, "ConfigMap", mounts[folder]["configMap"]["name"])
            assert file in config["data"], flag


def test_probes_ask_for_the_model(server):
    path = f"/v1/models/{contract.MODEL_NAME}/metadata"
    assert server["startupProbe"]["httpGet"]["path"] == path
    assert server["readinessProbe"]["httpGet"]["path"] == path


def test_services_have_the_ports_that_clients_are_told(overlay, server):
    for name, port, number in (("grpc", "grpc", 8500), ("rest", "http", 8501)):
        service = find(overlay, "Service", f"marketcast-{name}")
        [told] = service["spec"]["ports"]
        assert (told["name"], told["port"], told["targetPort"]) == (port, number, port)
    # Clients spread their calls over the addresses behind a name: a headless Service has one for each pod.
    assert find(overlay, "Service", "marketcast-grpc")["spec"]["clusterIP"] == "None"


def test_the_role_of_the_rollout_is_for_the_one_config(overlay):
    [rule] = find(overlay, "Role", "marketcast-rollout")["rules"]
    assert rule["resourceNames"] == [find(overlay, "ConfigMap", "marketcast-models")["metadata"]["name"]]
    assert sorted(rule["verbs"]) == ["get", "patch"]
    [subject] = find(overlay, "RoleBinding", "marketcast-rollout")["subjects"]
    assert subject["name"] == "marketcast-rollout"
    assert find(overlay, "ServiceAccount", subject["name"])["metadata"]["namespace"] == subject["namespace"]


def test_a_pod_drains_for_longer_than_clients_may_not_know_of_others(server, overlay):
    spec = find(overlay, "Deployment", "marketcast-serving")["spec"]
    drain = server["lifecycle"]["preStop"]["sleep"]["seconds"]
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in server["args"])
    oldest = ServerConfig(grpc_channel_arguments=flags["grpc_channel_arguments"]).channel_options
    [age] = [value / 1000 for name, value in oldest if name == "grpc.max_connection_age_ms"]
    assert GRPC_AGE_JITTER * age < drain
    assert (
        GRPC_RESOLVES_AGAIN_AFTER_SECONDS < drain < spec["template"]["spec"]["terminationGracePeriodSeconds"]
    )
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
