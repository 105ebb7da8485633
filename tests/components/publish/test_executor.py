"""RunPublisher: what it reads of a run, and what it refuses before anything slow is begun."""

from __future__ import annotations

import pathlib

import pytest

from components.database.config import DatabaseConfig
from components.errors import DatabaseError
from components.evaluate.gate import GateConfig

pytestmark = pytest.mark.tf


@pytest.fixture(name="artifacts")
def fixture_artifacts(tmp_path):
    """What a run has left, by key; its files are not read here."""
    from tfx.types import standard_artifacts

    from components.ingest.component import IngestReport
    from components.publish.component import RunPublisherSpec

    made = {}
    for key, parameter in RunPublisherSpec.INPUTS.items():
        artifact = (IngestReport if key == "report" else parameter.type)()
        artifact.uri = str(tmp_path / key)
        made[key] = [artifact]
    saved_model = pathlib.Path(made["model"][0].uri, "Format-Serving", "saved_model.pb")
    saved_model.parent.mkdir(parents=True)
    saved_model.touch()
    assert isinstance(made["pushed_model"][0], standard_artifacts.PushedModel)
    return made


@pytest.mark.parametrize("is_pushed", [True, False])
def test_a_run_is_found_pushed_or_not(artifacts, is_pushed, tmp_path):
    from components.publish.executor import read_run

    artifacts["pushed_model"][0].set_int_custom_property("pushed", int(is_pushed))
    run = read_run(artifacts)
    assert run.is_pushed == is_pushed
    assert (run.ingest, run.examples) == (str(tmp_path / "report"), str(tmp_path / "examples"))
    assert run.evaluation == str(tmp_path / "evaluation")
    assert run.model_dir == str(tmp_path / "model" / "Format-Serving")
    assert run.champion_dir == str(tmp_path / "champion" / "Format-Serving")


def test_a_champion_may_be_absent_or_missing(artifacts):
    from components.publish.executor import read_run

    artifacts["champion"][0].set_int_custom_property("absent", 1)
    assert read_run(artifacts).champion_dir == ""
    del artifacts["champion"]  # Which the bridge to Kubeflow makes of an absent one.
    assert read_run(artifacts).champion_dir == ""


@pytest.mark.postgres
def test_a_database_without_tables_is_refused_before_anything_is_read(postgres_server, artifacts, tmp_path):
    postgres_server.administer("CREATE DATABASE bare")
    with pytest.raises(
        DatabaseError, match=r"must have tables of version .*, got none; run `marketcast data"
    ):
        publish(postgres_server.config("bare"), artifacts, tmp_path)
    assert not list((tmp_path / "out").iterdir())


def test_a_database_that_is_not_there_is_one_line(artifacts, tmp_path):
    nowhere = DatabaseConfig(host=str(tmp_path), connect_timeout_seconds=2)
    with pytest.raises(DatabaseError, match=r"must let marketcast in, got: ") as refused:
        publish(nowhere, artifacts, tmp_path)
    assert "\n" not in str(refused.value)


def publish(database, artifacts, tmp_path):
    """Runs the executor as TFX does."""
    from tfx import types

    from components.publish.component import PublishedRun, RunPublisher
    from components.publish.executor import PUBLISHED_KEY, Executor

    channels = {key: types.Channel(type=type(own)) for key, [own] in artifacts.items()}
    component = RunPublisher(channels, database, GateConfig())
    note = PublishedRun()
    note.uri = str(tmp_path / "out")
    (tmp_path / "out").mkdir()
    Executor(Executor.Context()).Do(artifacts, {PUBLISHED_KEY: [note]}, component.exec_properties)
