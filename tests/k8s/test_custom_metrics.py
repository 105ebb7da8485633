"""The figures that the autoscaler asks for, as Prometheus computes them of what the servers tell."""

from __future__ import annotations

import re

import pytest
import yaml

from components import contract
from serving.model_server import metrics
from tests.k8s.manifests import FOLDER, find, render
from tests.k8s.monitoring.component import run_promtool

COMPONENT = "components/custom-metrics"
LABELS = {"model_name": contract.MODEL_NAME, "namespace": contract.MODEL_NAME}
MINUTES = 10
BUCKETS = {
    "busy": {"100000": 0, "1000000": 99, "+Inf": 100},
    "idle": {"100000": 100, "1000000": 100, "+Inf": 100},
}
"""pod -> upper bound in microseconds -> requests a minute at or below it."""


@pytest.fixture(scope="module")
def adapter_rules():
    """The adapter's rules by the name of what they make."""
    values = yaml.safe_load((FOLDER / COMPONENT / "config" / "prometheus-adapter.yaml").read_text())
    return {rule["name"]["as"]: rule for rule in values["rules"]["custom"]}


def fill(template):
    """The query that the adapter makes for two pods; it is a template of Go."""
    matchers = f'namespace="{contract.MODEL_NAME}",pod=~"busy|idle"'
    return template.replace("<<.LabelMatchers>>", matchers).replace("<<.GroupBy>>", "pod")


def series(name, pod, rise, **labels):
    """A counter that rises so much a minute."""
    text = ",".join(f'{key}="{value}"' for key, value in {**LABELS, "pod": pod, **labels}.items())
    return {"series": f"{name}{{{text}}}", "values": f"0+{rise}x{MINUTES}"}


def test_rules_find_what_the_servers_tell(adapter_rules):
    for rule in adapter_rules.values():
        [name] = re.findall(r"^([a-z_:]+)\{", rule["seriesQuery"])
        assert name in (f"{metrics.REQUEST_LATENCY}_sum", f"{metrics.REQUEST_LATENCY}_bucket")
        assert f'{name}{{model_name="{contract.MODEL_NAME}",' in rule["metricsQuery"]
        assert rule["seriesQuery"].startswith(f'{name}{{model_name="{contract.MODEL_NAME}",')
        assert {key: value["resource"] for key, value in rule["resources"]["overrides"].items()} == {
            "namespace": "namespace",
            "pod": "pod",
        }


@pytest.mark.monitoring
@pytest.mark.parametrize(
    "name, busy, idle",
    [
        # Three seconds of work come in each second; 99 of 100 requests take up to a second.
        ("marketcast_requests_in_flight", 3, 0),
        ("marketcast_request_latency_p99_seconds", 1, 0.1),
    ],
)
def test_the_figure_is_what_its_name_says(name, busy, idle, adapter_rules, tmp_path):
    told = [
        series(f"{metrics.REQUEST_LATENCY}_sum", "busy", 3 * 60 * 1_000_000),
        series(f"{metrics.REQUEST_LATENCY}_sum", "idle", 0),
        series(f"{metrics.REQUEST_LATENCY}_sum", "other", 6_000_000),
    ]
    for pod, rises in BUCKETS.items():
        told += [series(f"{metrics.REQUEST_LATENCY}_bucket", pod, rise, le=le) for le, rise in rises.items()]
    wanted = [{"labels": '{pod="busy"}', "value": busy}, {"labels": '{pod="idle"}', "value": idle}]
    query = {"expr": f"round({fill(adapter_rules[name]['metricsQuery'])}, 0.01)", "eval_time": f"{MINUTES}m"}
    test = {"interval": "1m", "input_series": told, "promql_expr_test": [{**query, "exp_samples": wanted}]}
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}))
    ended = run_promtool("test", "rules", file, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout


def test_pods_are_added_before_anybody_is_called():
    scaler = find(render(COMPONENT), "HorizontalPodAutoscaler", "marketcast-serving")
    [latency] = [
        one["pods"]["target"]["averageValue"]
        for one in scaler["spec"]["metrics"]
        if one["type"] == "Pods" and one["pods"]["metric"]["name"].endswith("p99_seconds")
    ]
    alerts = find(render("components/monitoring"), "PrometheusRule", "marketcast-alerts")
    [slow] = [
        rule["expr"]
        for group in alerts["spec"]["groups"]
        for rule in group["rules"]
        if rule["alert"] == "MarketcastSlow"
    ]
    assert float(latency.removesuffix("m")) / 1000 < float(slow.rpartition(">")[2])
