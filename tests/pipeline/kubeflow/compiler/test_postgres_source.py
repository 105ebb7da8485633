"""A package whose bars come from PostgreSQL: the query is in it, and no secret."""

from __future__ import annotations

import json

import pytest

from components.database.config import PASSWORD_VARIABLE

pytestmark = pytest.mark.tf

SETTINGS = (
    "source.kind=postgres",
    "source.query=SELECT * FROM quotes",
    "database.host=db.example",
    "database.password_file=/run/secrets/database",
    "tune.enabled=true",
)


def test_the_step_reads_what_was_configured_and_the_package_holds_no_secret(monkeypatch):
    from components.ingest.executor import SOURCE_KEY, read_config
    from pipeline.config import load_config
    from pipeline.environment import KUBEFLOW
    from pipeline.kubeflow.check.check import check_documents
    from pipeline.kubeflow.compiler.compiler import compile_pipeline
    from pipeline.kubeflow.package import format_package

    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter2")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    config = load_config(overrides=SETTINGS, environment=KUBEFLOW)
    package = compile_pipeline(config)
    assert "hunter2" not in format_package(package)
    assert check_documents([package.spec, package.platform]) == []
    parameters = package.spec["root"]["dag"]["tasks"]["BarsExampleGen"]["inputs"]["parameters"]
    values = {name: given.get("runtimeValue", {}) for name, given in parameters.items()}
    constants = {name: value["constant"] for name, value in values.items() if "constant" in value}
    assert json.loads(constants[SOURCE_KEY])["query"] == "SELECT * FROM quotes"
    places = {"data": config.source.path, "metadata": config.source.metadata_path}
    changing = {**places, "as_of": "", "known_on": ""}
    assert read_config({**constants, **changing, "num_shards": 1}).source == config.source
