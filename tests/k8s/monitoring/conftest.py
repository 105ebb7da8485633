"""The monitoring component, rendered once, and its rules in a file that promtool reads."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.k8s.manifests import find, of_kind, render
from tests.k8s.monitoring.component import list_rules


@pytest.fixture(scope="session")
def documents():
    """Everything that `kubectl apply` would get, and the watch of the forecasts."""
    watch = [one for one in render("components/drift") if one["metadata"]["name"] == "marketcast-drift"]
    return (*render("overlays/prod"), *watch)


@pytest.fixture(scope="session")
def groups(documents):
    """The groups of all PrometheusRules."""
    return [group for rule in of_kind(documents, "PrometheusRule") for group in rule["spec"]["groups"]]


@pytest.fixture(scope="session")
def rules(groups):
    """The rules of all groups."""
    return list_rules(groups)


@pytest.fixture(scope="session")
def rules_file(groups, tmp_path_factory):
    """The groups as Prometheus' own file."""
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": groups}))
    return file


@pytest.fixture(scope="session")
def dashboard(documents):
    """The dashboard that Grafana is given."""
    (text,) = find(documents, "ConfigMap", "marketcast-dashboard")["data"].values()
    return json.loads(text)
