"""What the optional components and the overlays for Kubeflow say is what the servers and commands take."""

from __future__ import annotations

import os

import pytest
import yaml

from components import contract
from pipeline.kubeflow.submission import command as submission
from serving import ssl_config
from serving.client_config import MAX_TICKERS
from serving.model_server.batching_parameters import read_batching_parameters
from tests.k8s.manifests import COMPONENTS, FOLDER, ROOT, build, find, of_kind, render

STORE_SECRET = "marketcast-store"


def server_of(stack):
    """The server's container."""
    spec = find(render(stack), "Deployment", "marketcast-serving")["spec"]["template"]["spec"]
    [server] = [one for one in spec["containers"] if one["name"] == "server"]
    return server


def test_batching_is_what_the_server_reads(tmp_path):
    config = find(render("components/batching"), "ConfigMap", "marketcast-batching")["data"]
    file = tmp_path / "batching.config"
    file.write_text(config["batching.config"])
    parameters = read_batching_parameters(str(file))
    # A server refuses a request that is larger than a batch.
    assert parameters.max_batch_size >= MAX_TICKERS
    arguments = server_of("components/batching")["args"]
    mounts = [mount["mountPath"] for mount in server_of("components/batching")["volumeMounts"]]
    [named] = [one.split("=")[1] for one in arguments if one.startswith("--batching_parameters_file=")]
    assert named.rpartition("/")[0] in mounts and named.endswith("/batching.config")
    # Warm-up records ask a signature whose outputs are not all a row a ticker.
    assert {"--enable_batching=true", "--enable_model_warmup=false"} <= set(arguments)


def test_the_kustomization_names_the_signature_that_can_be_batched():
    told = (FOLDER / "components/batching/kustomization.yaml").read_text()
    assert f"`{contract.ROW_FORECAST_SIGNATURE}`" in told and f"`{contract.FORECAST_SIGNATURE}`" in told


def test_certificates_are_mounted_where_they_are_read_and_their_text_where_the_server_looks():
    documents = render("components/mtls")
    spec = find(documents, "Deployment", "marketcast-serving")["spec"]["template"]["spec"]
    [init] = [one for one in spec["initContainers"] if one["name"] == "ssl-config"]
    assert init["args"][:3] == ["python", "-m", ssl_config.__name__]
    options = dict(argument.split("=") for argument in init["args"][3:])
    mounts = {mount["mountPath"]: mount["name"] for mount in init["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    secret = volumes[mounts[options["--from"]]]["secret"]["secretName"]
    assert secret in {one["spec"]["secretName"] for one in of_kind(documents, "Certificate")}
    assert f"--ssl_config_file={options['--to']}" in server_of("components/mtls")["args"]
    shared = {mount["name"] for mount in server_of("components/mtls")["volumeMounts"]}
    [written] = [name for path, name in mounts.items() if options["--to"].startswith(f"{path}/")]
    assert written in shared and volumes[written]["emptyDir"]["medium"] == "Memory"


def test_the_certificate_has_the_names_that_clients_call():
    documents = render("components/mtls")
    names = find(documents, "Certificate", "marketcast-server")["spec"]["dnsNames"]
    service = find(documents, "Service", "marketcast-grpc")["metadata"]
    full = f"{service['name']}.{service['namespace']}.svc.cluster.local"
    parts = full.split(".")
    assert {".".join(parts[:count]) for count in (1, 2, 3, 5)} <= set(names)
    assert {f"*.{full}", "localhost"} <= set(names), "a pod by its own name, and a port-forward"


def test_issuers_sign_with_what_was_issued():
    documents = render("components/mtls")
    issuers = {one["metadata"]["name"]: one["spec"] for one in of_kind(documents, "Issuer")}
    certificates = {one["metadata"]["name"]: one["spec"] for one in of_kind(documents, "Certificate")}
    assert {one["issuerRef"]["name"] for one in certificates.values()} <= issuers.keys()
    [authority] = [one for one in certificates.values() if one.get("isCA")]
    assert issuers["marketcast-authority"] == {"ca": {"secretName": authority["secretName"]}}
    assert authority["privateKey"]["rotationPolicy"] == "Never", "else a renewed root locks everybody out"


def test_rest_has_no_certificate_so_only_prometheus_may_ask_it():
    policy = find(render("components/mtls"), "NetworkPolicy", "marketcast-serving")["spec"]
    for rule in policy["ingress"]:
        if {"port": "http"} in rule["ports"]:
            [sender] = rule["from"]
            assert sender["namespaceSelector"]["matchLabels"] == {"marketcast/monitoring": "true"}


def test_the_secret_from_the_vault_is_the_one_that_the_sync_reads():
    made = find(render("components/external-secrets"), "ExternalSecret", STORE_SECRET)["spec"]
    sync = find(render("components/sync"), "Deployment", "marketcast-serving")["spec"]["template"]["spec"]
    sources = [one["secretRef"]["name"] for one in sync["initContainers"][0]["envFrom"] if "secretRef" in one]
    assert sources == [made["target"]["name"]] == [STORE_SECRET]
    assert {one["secretKey"] for one in made["data"]} == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def test_the_autoscaler_asks_for_figures_that_the_adapter_makes():
    scaler = find(render("components/custom-metrics"), "HorizontalPodAutoscaler", "marketcast-serving")
    asked = {one["pods"]["metric"]["name"] for one in scaler["spec"]["metrics"] if one["type"] == "Pods"}
    values = yaml.safe_load((FOLDER / "components/custom-metrics/config/prometheus-adapter.yaml").read_text())
    assert asked == {rule["name"]["as"] for rule in values["rules"]["custom"]}
    assert {one["type"] for one in scaler["spec"]["metrics"]} == {"Resource", "Pods"}


def test_kserve_serves_the_model_by_its_name_and_version():
    documents = render("components/kserve")
    service = find(documents, "InferenceService", contract.MODEL_NAME)["spec"]["predictor"]
    runtime = find(documents, "ServingRuntime", service["model"]["runtime"])["spec"]
    [container] = runtime["containers"]
    assert f"--model_name={contract.MODEL_NAME}" in container["args"]
    assert container["image"].rpartition(":")[2] not in ("", "latest")
    [source] = service["storageUris"]
    version = source["mountPath"].rpartition("/")[2]
    assert source["uri"].endswith(f"/{contract.MODEL_NAME}/{version}") and version.isdigit()
    [base_path] = [one.split("=")[1] for one in container["args"] if one.startswith("--model_base_path=")]
    assert source["mountPath"] == f"{base_path}/{version}"
    assert not of_kind(documents, "Deployment", "Service", "PersistentVolumeClaim")


def test_the_claim_is_the_one_that_the_compiled_steps_mount():
    documents = render("overlays/kubeflow")
    claims = {one["metadata"]["name"] for one in of_kind(documents, "PersistentVolumeClaim")}
    package, platform = yaml.safe_load_all((ROOT / "tests/golden/pipeline.yaml").read_text())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values()
    mounts = [mount for one in executors for mount in one.get("pvcMount", [])]
    assert {mount["constant"] for mount in mounts} == claims
    # The Job makes the folder that the steps write to, on the same volume.
    spec = find(documents, "Job", "marketcast-volume")["spec"]["template"]["spec"]
    [container], [volume] = spec["containers"], spec["volumes"]
    assert {volume["persistentVolumeClaim"]["claimName"]} == claims
    assert {one["mountPath"] for one in container["volumeMounts"]} == {one["mountPath"] for one in mounts}
    parameters = package["root"]["inputDefinitions"]["parameters"]
    folder = parameters[contract.PUSH_DESTINATION_PARAMETER]["defaultValue"]
    assert f"mkdir -p {folder};" in container["args"][-1]


def test_the_secret_of_the_example_is_the_one_that_is_made():
    [made] = [
        one["spec"]
        for one in of_kind(render("components/pipeline-secrets"), "ExternalSecret")
        if one["spec"]["target"]["name"] == "prices-database"
    ]
    assert [one["secretKey"] for one in made["data"]] == ["password"]
    told = (FOLDER / "components/pipeline-secrets/kustomization.yaml").read_text()
    assert "{MARKETCAST_DATABASE_PASSWORD: {secret: prices-database, key: password}}" in told


def test_the_job_asks_for_a_schedule_that_the_command_takes():
    documents = render("overlays/kubeflow-scheduled")
    spec = find(documents, "Job", "marketcast-schedule")["spec"]["template"]["spec"]
    program, name, package, *options = spec["containers"][0]["args"]
    assert (program, name, package) == ("marketcast", "schedule", "/package/pipeline.yaml")
    with submission.schedule.make_context(name, [*options], resilient_parsing=True) as context:
        assert context.params["in_cluster"] and context.params["replace"]
        assert context.params["service_account"] == spec["serviceAccountName"]
    [token] = [volume for volume in spec["volumes"] if volume["name"] == "token"]
    [source] = token["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "pipelines.kubeflow.org"


@pytest.mark.parametrize("overlay", ["overlays/local", "overlays/prod"])
@pytest.mark.parametrize("order", [1, -1])
def test_components_go_together_in_any_order(overlay, order, tmp_path):
    """But for KServe's, which has no Deployment, and the pipeline's, which is for another namespace."""
    there = yaml.safe_load((FOLDER / overlay / "kustomization.yaml").read_text()).get("components", [])
    names = {one.rpartition("/")[2] for one in COMPONENTS} - {one.rpartition("/")[2] for one in there}
    added = sorted(names - {"kserve", "pipeline-secrets"})[::order]
    folder = tmp_path.resolve()
    kustomization = {
        "resources": [os.path.relpath(FOLDER / overlay, folder)],
        "components": [os.path.relpath(FOLDER / "components" / name, folder) for name in added],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    documents = build(folder)
    spec = find(documents, "Deployment", "marketcast-serving")["spec"]["template"]["spec"]
    [server] = [one for one in spec["containers"] if one["name"] == "server"]
    assert {"--ssl_config_file", "--enable_batching", "--port"} <= {
        one.partition("=")[0] for one in server["args"]
    }
    assert {one["name"] for one in spec["initContainers"]} == {"ssl-config", "sync-once", "sync"}
    assert all(not one["image"].endswith("marketcast") for one in spec["initContainers"])
    paths = [mount["mountPath"] for mount in server["volumeMounts"]]
    assert len(paths) == len(set(paths))
    scaler = find(documents, "HorizontalPodAutoscaler", "marketcast-serving")
    assert len(scaler["spec"]["metrics"]) == 3
