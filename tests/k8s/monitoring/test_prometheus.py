"""A real Prometheus scrapes our real server under load: every recording rule and every panel gets data."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.request

import pytest
import yaml

from components import contract
from serving.connect import connect
from tests.k8s.manifests import ROOT, of_kind
from tests.k8s.monitoring.component import list_rules
from tests.k8s.monitoring.prometheus import NAMESPACE, POD, make_config, running, telling
from tests.serving.conftest import free_port, serving
from tests.serving.sample_bars import make_frame

pytestmark = [pytest.mark.tf, pytest.mark.monitoring]
COMPONENT = ROOT / "k8s/components/monitoring"
DASHBOARD = json.loads((COMPONENT / "dashboards/marketcast.json").read_text())
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
RECORDS = [
    rule["record"]
    for rule in list_rules(
        yaml.safe_load((COMPONENT / "prometheusrule-records.yaml").read_text())["spec"]["groups"]
    )
]
GOOD_VERSION = int(time.time()) - 3600
BAD_VERSION = GOOD_VERSION + 60
VARIABLES = {"$namespace": NAMESPACE, "$__rate_interval": "1m"}
REFUSED = (f"/v1/models/{contract.MODEL_NAME}:predict", 400)
NOT_FOUND = (f"/v1/models/{contract.MODEL_NAME}/versions/7:predict", 404)


def post(address, path):
    """The status of a request that says nothing."""
    request = urllib.request.Request(f"http://{address}{path}", data=b'{"inputs": {}}')
    with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request, timeout=60):
        pass
    refused.value.close()
    return refused.value.code


def ask_until(stop, server):
    """Good requests over both doors, and a few that are refused or fail."""
    bars, rest = make_frame(2), f"127.0.0.1:{server.rest_port}"
    with connect(server.address, timeout_seconds=60) as client, connect(f"http://{rest}") as rest_client:
        while not stop.is_set():
            for _ in range(5):
                client.forecast(bars)
                rest_client.forecast(bars)
            for path, status in (REFUSED, NOT_FOUND):
                assert post(rest, path) == status


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Our server with a good version, and one that it cannot load; asked all the while."""
    from tests.serving import tiny_model

    base_path = tmp_path_factory.mktemp("models") / contract.MODEL_NAME
    tiny_model.save_tiny_model(base_path / str(GOOD_VERSION), "tiny-1")
    (base_path / str(BAD_VERSION)).mkdir()
    (base_path / str(BAD_VERSION) / "saved_model.pb").write_bytes(b"no model")
    config = ROOT / "k8s/base/config/monitoring.config"
    stop = threading.Event()
    with serving(base_path, rest_api_port=free_port(), monitoring_config_file=str(config)) as started:
        load = threading.Thread(target=ask_until, args=(stop, started))
        load.start()
        try:
            yield started
        finally:
            stop.set()
            load.join()


@pytest.fixture(scope="module")
def prometheus(server, documents, rules_file, tmp_path_factory):
    """A Prometheus with our rules that scrapes the server, and stand-ins of sidecar and watch."""
    monitors = of_kind(documents, "ServiceMonitor")
    metrics = {
        "marketcast_sync_last_success_timestamp_seconds": time.time(),
        "marketcast_sync_failures_total": 0,
        "marketcast_sync_newest_version": GOOD_VERSION,
    }
    figures = {
        'marketcast_drift_coverage_ratio{band="90"}': 0.9,
        "marketcast_drift_last_success_timestamp_seconds": time.time(),
        "marketcast_drift_newest_bar_timestamp_seconds": time.time(),
    }
    with telling(metrics, "/metrics") as sidecar, telling(figures, "/metrics") as watch:
        targets = {
            "marketcast-rest": f"127.0.0.1:{server.rest_port}",
            "marketcast-sync": sidecar,
            "marketcast-drift": watch,
        }
        folder = tmp_path_factory.mktemp("prometheus")
        with running(make_config(monitors, targets, rules_file), folder) as started:
            yield started


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_panel_gets_data(query, prometheus):
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    assert "$" not in query
    prometheus.wait_for(query)


@pytest.mark.parametrize("record", RECORDS)
def test_a_recording_rule_gives_data(record, prometheus):
    prometheus.wait_for(record)


def test_grafana_learns_the_namespace(prometheus):
    (query,) = (one["definition"] for one in DASHBOARD["templating"]["list"] if one["name"] == "namespace")
    metric, label = re.fullmatch(r"label_values\((.+), (\w+)\)", query).groups()
    assert [dict(labels)[label] for labels in prometheus.wait_for(metric)] == [NAMESPACE]


def test_the_versions_are_the_servers(prometheus):
    labels = {"namespace": NAMESPACE, "pod": POD}
    for record, version in (("loaded", GOOD_VERSION), ("failed", BAD_VERSION)):
        ((found, value),) = prometheus.wait_for(f"marketcast:newest_{record}_version").items()
        assert dict(found) == {"__name__": f"marketcast:newest_{record}_version", **labels}
        assert value == version


def test_the_shares_are_those_of_the_requests(prometheus):
    """Of twelve requests ten are good, one is refused and one fails."""
    prometheus.wait_for("sum(marketcast:requests:rate5m) > 1")
    for record in ("marketcast:errors:ratio_rate5m", "marketcast:refusals:ratio_rate5m"):
        (share,) = prometheus.wait_for(record).values()
        assert share == pytest.approx(1 / 12, rel=0.5)
    (median,) = prometheus.wait_for("marketcast:latency_seconds:p50_5m").values()
    (late,) = prometheus.wait_for("marketcast:latency_seconds:p99_5m").values()
    assert 1e-5 < median <= late < 10, "seconds, not microseconds"


@pytest.mark.parametrize("alert", ["MarketcastErrors", "MarketcastLoadFails"])
def test_an_alert_begins(alert, prometheus):
    prometheus.wait_for(f'ALERTS{{alertname="{alert}", alertstate="pending"}}')


def test_every_rule_can_be_evaluated(rules, prometheus):
    prometheus.wait_for("marketcast:newest_loaded_version")
    told = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in told} == {rule.get("record") or rule["alert"] for rule in rules}
    assert {(rule["health"], rule.get("lastError", "")) for rule in told} == {("ok", "")}


@pytest.mark.parametrize("alert", ["MarketcastDown", "MarketcastTargetDown", "MarketcastModelStale"])
def test_an_alert_is_quiet(alert, prometheus):
    prometheus.wait_for("marketcast:newest_loaded_version")
    prometheus.wait_for(f'absent(ALERTS{{alertname="{alert}"}})')
