"""Each pipeline that can be compiled has the steps that are said, and types that the bridge can import."""

from __future__ import annotations

import pytest

from components import contract
from pipeline.kubeflow.bridge.artifact_places import CLASS_PATHS
from pipeline.kubeflow.check.check import require_sound
from pipeline.kubeflow.package import format_package, parse_documents

pytestmark = pytest.mark.tf
OWN_TYPES = "marketcast."


@pytest.fixture(scope="module", params=["training", "forecasts", "backtest"])
def compiled(request):
    """A plan, and its package by the shipped configuration."""
    from pipeline.config import load_config
    from pipeline.environment import KUBEFLOW
    from pipeline.kubeflow.compiler.compiler import compile_pipeline
    from pipeline.kubeflow.compiler.plans import PLANS

    plan = PLANS[request.param]
    return plan, compile_pipeline(load_config(environment=KUBEFLOW), plan)


def test_the_steps_are_those_of_the_plan(compiled):
    plan, package = compiled
    assert set(package.spec["root"]["dag"]["tasks"]) == set(plan.steps)
    assert package.spec["pipelineInfo"]["name"] == f"marketcast{plan.suffix}"


def test_the_package_keeps_every_rule(compiled):
    require_sound(parse_documents(format_package(compiled[1]), "made"), "made")


def test_every_reader_of_bars_is_told_the_run_s_days(compiled):
    readers = {"BarsExampleGen", "LatestBarsGen", "Backtest"}
    days = {contract.AS_OF_PARAMETER, contract.KNOWN_ON_PARAMETER}
    told = {
        name: {
            key
            for key, value in task["inputs"]["parameters"].items()
            if value.get("componentInputParameter") == key and key in days
        }
        for name, task in compiled[1].spec["root"]["dag"]["tasks"].items()
        if name in readers
    }
    assert list(told.values()) == [days]


def test_types_of_our_own_can_be_imported(compiled):
    from tfx.utils import import_utils

    found = {
        artifact["artifactType"]["instanceSchema"].split("title: ")[1].split("\n")[0]
        for component in compiled[1].spec["components"].values()
        for artifact in component.get("outputDefinitions", {}).get("artifacts", {}).values()
    }
    own = {title for title in found if title.startswith((OWN_TYPES, "system."))}
    assert own
    for title in own:
        assert title == import_utils.import_class_by_path(CLASS_PATHS[title]).TYPE_NAME


def test_forecasts_go_where_a_run_says(compiled):
    plan, package = compiled
    parameters = package.spec["root"]["inputDefinitions"]["parameters"]
    destination = parameters.get(contract.FORECASTS_DESTINATION_PARAMETER)
    assert (destination is not None) == ("ForecastWriter" in plan.steps)
    if destination:
        assert destination["defaultValue"] == "/models/forecasts.parquet"
        pods = package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        mounted = {name for name, pod in pods.items() if pod.get("pvcMount")}
        assert mounted == {"ChampionResolver_executor", "ForecastWriter_executor"}


def test_a_run_that_searches_first_has_one_step_more():
    from pipeline.config import load_config
    from pipeline.environment import KUBEFLOW
    from pipeline.kubeflow.compiler.compiler import compile_pipeline
    from pipeline.kubeflow.compiler.plans import TRAINING

    given = ["tune.enabled=true", "kubeflow.steps.Tuner={cpu_limit: '8'}"]
    package = compile_pipeline(load_config("", given, KUBEFLOW))
    tasks = package.spec["root"]["dag"]["tasks"]
    assert set(tasks) == {*TRAINING.steps, "Tuner"}
    taken = tasks["Trainer"]["inputs"]["artifacts"]["hyperparameters"]["taskOutputArtifact"]
    assert taken == {"producerTask": "Tuner", "outputArtifactKey": "best_hyperparameters"}
    require_sound(parse_documents(format_package(package), "made"), "made")


def test_a_run_that_is_written_to_the_database_ends_with_one_step_more():
    from pipeline.config import load_config
    from pipeline.environment import KUBEFLOW
    from pipeline.kubeflow.compiler.compiler import compile_pipeline
    from pipeline.kubeflow.compiler.plans import TRAINING

    given = [
        "database.publish=always",
        "database.password_file=/run/secrets/database",
        "kubeflow.secrets={PGPASSWORD: {secret: runs, key: password, steps: [RunPublisher]}}",
    ]
    package = compile_pipeline(load_config("", given, KUBEFLOW))
    tasks = package.spec["root"]["dag"]["tasks"]
    assert set(tasks) == {*TRAINING.steps, "RunPublisher"}
    assert "Pusher" in tasks["RunPublisher"]["dependentTasks"]
    assert "triggerPolicy" not in tasks["RunPublisher"], "a refused model is written, too"
    taken = {
        key: source["taskOutputArtifact"]
        for key, source in tasks["RunPublisher"]["inputs"]["artifacts"].items()
    }
    assert {key: (one["producerTask"], one["outputArtifactKey"]) for key, one in taken.items()} == {
        "report": ("BarsExampleGen", "report"),
        "examples": ("BarsExampleGen", "examples"),
        "model": ("Trainer", "model"),
        "champion": ("ChampionResolver", "champion"),
        "evaluation": ("Evaluator", "evaluation"),
        "pushed_model": ("Pusher", "pushed_model"),
    }
    pods = package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert [label for label, pod in pods.items() if "secretAsEnv" in pod] == ["RunPublisher_executor"]
    require_sound(parse_documents(format_package(package), "made"), "made")
    output = package.spec["components"]["RunPublisher"]["outputDefinitions"]["artifacts"]["published_run"]
    assert "title: marketcast.PublishedRun" in output["artifactType"]["instanceSchema"]
    assert CLASS_PATHS["marketcast.PublishedRun"] == "components.publish.component.PublishedRun"
