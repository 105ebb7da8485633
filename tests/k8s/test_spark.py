"""k8s/spark: the application's arguments are the command's, and its paths lie on its volume."""

from __future__ import annotations

import importlib.metadata

import pytest
from click.testing import CliRunner

from pipeline import run_chunks
from pipeline.cli import main
from pipeline.environment import load_ingest_sections
from tests.k8s.manifests import FOLDER, build


@pytest.fixture(name="application", scope="module")
def fixture_application():
    (document,) = build(FOLDER / "spark")
    assert document["kind"] == "SparkApplication"
    return document["spec"]


def test_the_command_takes_the_arguments(application, monkeypatch):
    given = []
    monkeypatch.setattr(run_chunks, "run", lambda options, _: given.append(options) or 0)
    ended = CliRunner().invoke(main, application["arguments"])
    assert ended.exit_code == 0, ended.output
    (options,) = given
    assert options.engine == run_chunks.SPARK
    source = load_ingest_sections(options.config_file, options.overrides).source
    assert source.metadata_path == ""
    for role in ("driver", "executor"):
        (mount,) = application[role]["volumeMounts"]
        assert mount["name"] == application["volumes"][0]["name"]
        for path in (options.folder, source.path):
            assert path.startswith(f"{mount['mountPath']}/")


def test_versions_are_the_projects(application):
    assert application["image"].rpartition(":")[2] == importlib.metadata.version("marketcast")
    assert application["sparkVersion"] == importlib.metadata.version("pyspark")
