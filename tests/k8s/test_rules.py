"""What every overlay and component keeps: the house's rules, and Kubernetes' own that a schema cannot say."""

from __future__ import annotations

import importlib.metadata
import re

import pytest
import yaml

from tests.k8s.manifests import (
    COMPONENTS,
    FOLDER,
    STACKS,
    containers,
    is_selected,
    of_kind,
    render,
    templates,
)

HASHED = re.compile(r"-[a-z0-9]{10}$")
CHANGED_IN_PLACE = {"marketcast-models"}
"""ConfigMaps that somebody changes while they are in use; all others get a new name with new content."""
MADE_BY_HAND = {"marketcast-package"}
"""ConfigMaps that a kustomization's comment says how to make."""
SERVER = "app.kubernetes.io/name"


@pytest.fixture(params=STACKS)
def documents(request):
    """The documents of one overlay, or of the base with one component."""
    return render(request.param)


def test_there_is_something_to_check():
    assert {"overlays/local", "overlays/prod"} <= set(STACKS)
    assert {"components/sync", "components/monitoring"} <= set(COMPONENTS)


def test_an_object_stands_once(documents):
    names = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in documents]
    assert len(names) == len(set(names))


def test_images_have_tags_and_ours_the_projects_version(documents):
    for container in containers(documents):
        image, _, tag = container["image"].rpartition(":")
        assert image and tag and tag != "latest", container["image"]
        if image == "marketcast":
            assert tag == importlib.metadata.version("marketcast")


def test_tags_stand_in_kustomizations_only():
    for file in FOLDER.rglob("*.yaml"):
        if file.name != "kustomization.yaml":
            assert not re.search(r"^\s*-?\s*image: \S+:\S+", file.read_text(), re.MULTILINE), file


def test_containers_ask_for_what_they_need(documents):
    for container in containers(documents):
        asked = container["resources"]
        assert {"cpu", "memory"} <= asked["requests"].keys(), container["name"]
        assert "memory" in asked["limits"], container["name"]


def test_pods_can_do_little(documents):
    for template in templates(documents):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
        assert not [volume for volume in spec.get("volumes", []) if "hostPath" in volume]
    for container in containers(documents):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_probes_ask_ports_by_name(documents):
    for container in containers(documents):
        names = {port["name"] for port in container.get("ports", [])}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            for how in ("httpGet", "tcpSocket"):
                if asked := container.get(kind, {}).get(how):
                    assert asked["port"] in names, f"{container['name']}: {kind}"


def test_servers_are_probed(documents):
    for template in templates(documents):
        if template["metadata"]["labels"].get(SERVER) != "marketcast-serving":
            continue
        [server] = [one for one in template["spec"]["containers"] if one["name"] == "server"]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= server.keys()


def test_controllers_select_their_own_pods(documents):
    for owner in of_kind(documents, "Deployment", "StatefulSet"):
        labels = owner["spec"]["template"]["metadata"]["labels"]
        assert is_selected(owner["spec"]["selector"]["matchLabels"], labels)


def test_services_lead_to_named_ports_of_pods(documents):
    for service in of_kind(documents, "Service"):
        chosen = [
            one
            for one in templates(documents)
            if is_selected(service["spec"]["selector"], one["metadata"]["labels"])
        ]
        if service["metadata"]["name"] == "marketcast-sync" and not has_sync(documents):
            continue  # components/monitoring watches the sidecar where there is one
        assert chosen, service["metadata"]["name"]
        names = {
            port["name"]
            for one in chosen
            for container in [*one["spec"]["containers"], *one["spec"].get("initContainers", [])]
            for port in container.get("ports", [])
        }
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def has_sync(documents) -> bool:
    """Whether pods have the sync sidecar."""
    return any(container["name"] == "sync" for container in containers(documents))


def test_budgets_and_autoscalers_have_something_to_watch_over(documents):
    owners = {(one["kind"], one["metadata"]["name"]) for one in documents}
    for scaler in of_kind(documents, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in owners
    for budget in of_kind(documents, "PodDisruptionBudget"):
        selector = budget["spec"]["selector"]["matchLabels"]
        assert any(is_selected(selector, one["metadata"]["labels"]) for one in templates(documents))


def test_what_pods_mount_is_there(documents):
    made = {(one["kind"], one["metadata"]["name"]) for one in documents}
    for template in templates(documents):
        for volume in template["spec"].get("volumes", []):
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in made
            if config := volume.get("configMap"):
                assert ("ConfigMap", config["name"]) in made or config["name"] in MADE_BY_HAND
        assert ("ServiceAccount", template["spec"]["serviceAccountName"]) in made


def test_all_traffic_that_is_not_named_is_denied(documents):
    spaces = {one["metadata"]["namespace"] for one in of_kind(documents, "Deployment", "StatefulSet")}
    for space in spaces:
        [denied] = [
            one["spec"]
            for one in of_kind(documents, "NetworkPolicy")
            if one["metadata"]["name"] == "default-deny" and one["metadata"]["namespace"] == space
        ]
        assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_secrets_are_named_and_never_written(documents):
    assert not [one["metadata"]["name"] for one in of_kind(documents, "Secret")]


def test_generated_config_changes_its_name_with_its_content(documents):
    for config in of_kind(documents, "ConfigMap"):
        name = config["metadata"]["name"]
        assert name in CHANGED_IN_PLACE or HASHED.search(name), name


def test_the_namespace_lets_in_only_restricted_pods(documents):
    for space in of_kind(documents, "Namespace"):
        labels = space["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_file_holds_one_resource_and_is_named_by_its_kind():
    for file in FOLDER.rglob("*.yaml"):
        if (
            file.name == "kustomization.yaml"
            or file.name.startswith("patch-")
            or file.parent.name == "config"
        ):
            continue
        [document] = yaml.safe_load_all(file.read_text())
        assert file.name.split("-")[0].removesuffix(".yaml") == document["kind"].lower(), file


def test_what_the_scan_shall_not_mind_says_why(documents):
    for document in documents:
        skipped = [
            value
            for name, value in document["metadata"].get("annotations", {}).items()
            if name.startswith("checkov.io/skip")
        ]
        assert all(re.fullmatch(r"CKV2?_K8S_\d+=[A-Z].{20,}\.", value) for value in skipped)
