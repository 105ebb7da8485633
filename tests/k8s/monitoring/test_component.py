"""Names and ports in the component are those of the servers, of contract.py and of the runbook."""

from __future__ import annotations

import re

import pytest

from components import contract
from serving.model_server import metrics
from serving.model_server.monitoring import read_prometheus_path
from tests.k8s.manifests import ROOT, find, of_kind, render

RUNBOOK = "docs/runbook.md"
SYNC_METRICS = (
    "marketcast_sync_last_success_timestamp_seconds",
    "marketcast_sync_failures_total",
    "marketcast_sync_newest_version",
)
SERVER_METRICS = (
    metrics.REQUEST_COUNT,
    f"{metrics.REQUEST_LATENCY}_bucket",
    f"{metrics.REQUEST_LATENCY}_count",
    metrics.LOAD_ATTEMPT_COUNT,
    metrics.LOAD_LATENCY,
)
METRIC = re.compile(r":tensorflow:[a-z_:]+|\bmarketcast_sync_[a-z_]+|\bmarketcast:[a-z0-9_:]+")


def list_queries(dashboard):
    """What the panels ask."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def anchors(text):
    """What GitHub and GitLab make of the headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize(
    "monitor, service, port",
    [
        ("marketcast-serving", "marketcast-rest", "http"),
        ("marketcast-sync", "marketcast-sync", "sync-metrics"),
    ],
)
def test_a_service_monitor_finds_its_service_and_port(monitor, service, port, documents):
    spec = find(documents, "ServiceMonitor", monitor)["spec"]
    wanted = spec["selector"]["matchLabels"].items()
    found = [
        one for one in of_kind(documents, "Service") if wanted <= one["metadata"].get("labels", {}).items()
    ]
    assert [one["metadata"]["name"] for one in found] == [service]
    assert [endpoint["port"] for endpoint in spec["endpoints"]] == [port]
    assert [one["targetPort"] for one in found[0]["spec"]["ports"] if one["name"] == port] == [port]


def test_the_path_is_where_the_server_tells_its_figures(documents):
    (endpoint,) = find(documents, "ServiceMonitor", "marketcast-serving")["spec"]["endpoints"]
    assert endpoint["path"] == read_prometheus_path(str(ROOT / "k8s/base/config/monitoring.config"))


def test_namespaces_labelled_as_monitoring_reach_both_ports(documents):
    """The sidecar's pods are the server's."""
    labels = find(documents, "Deployment", "marketcast-serving")["spec"]["template"]["metadata"]["labels"]
    ports = set()
    for policy in of_kind(documents, "NetworkPolicy"):
        selected = policy["spec"]["podSelector"].get("matchLabels", {})
        if selected and selected.items() <= labels.items():
            for rule in policy["spec"].get("ingress", ()):
                selectors = [one.get("namespaceSelector", {}).get("matchLabels") for one in rule["from"]]
                if {"marketcast/monitoring": "true"} in selectors:
                    ports |= {one["port"] for one in rule["ports"]}
    assert ports == {"http", "sync-metrics"}


def test_rules_and_dashboard_ask_for_metrics_that_somebody_tells(rules, dashboard):
    records = {rule["record"] for rule in rules if "record" in rule}
    asked = {
        name
        for query in [*(rule["expr"] for rule in rules), *list_queries(dashboard)]
        for name in METRIC.findall(query)
    }
    assert asked == {*SERVER_METRICS, *SYNC_METRICS, *records}


def test_jobs_are_services_and_the_model_is_ours(rules, dashboard, documents):
    text = "\n".join([*(rule["expr"] for rule in rules), *list_queries(dashboard)])
    jobs = {job for value in re.findall(r'job=~?"([^"]+)"', text) for job in value.split("|")}
    assert jobs <= {one["metadata"]["name"] for one in of_kind(documents, "Service")}
    assert set(re.findall(r'model_name="([^"]+)"', text)) == {contract.MODEL_NAME}
    assert set(re.findall(r'"\.\*/(\w+)/', text)) == {contract.MODEL_NAME}


def test_every_alert_says_how_bad_it_is_and_what_to_do(rules):
    headings = anchors((ROOT / RUNBOOK).read_text())
    for rule in (rule for rule in rules if "alert" in rule):
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert file == RUNBOOK
        assert headings.count(anchor) == 1, f"{RUNBOOK} must have one heading for #{anchor}"
        assert anchor == rule["alert"].lower()


def test_the_runbook_has_no_alert_that_is_gone(rules):
    told = set(re.findall(r"^## (Marketcast\w+)$", (ROOT / RUNBOOK).read_text(), re.MULTILINE))
    assert told == {rule["alert"] for rule in rules if "alert" in rule}


def test_links_in_the_runbook_resolve():
    text = (ROOT / RUNBOOK).read_text()
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", text):
        file = ROOT / "docs" / target if target else ROOT / RUNBOOK
        assert file.is_file(), f"{RUNBOOK} links to {target}, which is not there"
        assert not anchor or anchor in anchors(file.read_text()), f"{target}#{anchor} is no heading"


def test_grafana_finds_the_dashboard(documents, dashboard):
    labels = find(documents, "ConfigMap", "marketcast-dashboard")["metadata"]["labels"]
    assert labels["grafana_dashboard"] == "1"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]


def test_panels_lie_beside_each_other(dashboard):
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in dashboard["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(taken) == len(set(taken))


def test_the_component_goes_with_the_base_alone_too():
    assert find(render("components/monitoring"), "ServiceMonitor", "marketcast-sync")
