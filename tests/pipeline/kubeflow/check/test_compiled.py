"""The check on what is really compiled: our package is whole, and what TFX leaves undone is found."""

from __future__ import annotations

import pathlib

import pytest

from pipeline.kubeflow.check import check
from pipeline.kubeflow.check.check import check_documents
from pipeline.kubeflow.check.house import ENTRYPOINT
from pipeline.kubeflow.package import read_documents

GOLDEN = pathlib.Path(__file__).parents[3] / "golden" / "pipeline.yaml"


def test_the_golden_package_is_whole() -> None:
    assert check_documents(read_documents(str(GOLDEN))) == []
    assert check_documents(read_documents(str(GOLDEN)), {"train_steps": 5}, "s3://bucket/runs") == []


@pytest.mark.tf
def test_what_tfx_compiles_keeps_kfp_s_rules(tmp_path: pathlib.Path) -> None:
    from tests.pipeline.kubeflow import bridged_components

    documents = [bridged_components.compile_package(tmp_path).spec]
    violations = check_documents(documents)
    known = {("lifecycle", "deploymentSpec.executors[CsvExampleGen_executor].container.lifecycle")}
    assert {(violation.rule, violation.place) for violation in violations} == known


@pytest.mark.tf
def test_what_tfx_gets_wrong_is_found(tmp_path: pathlib.Path) -> None:
    from tests.pipeline.kubeflow.check import odd_pipelines

    documents = read_documents(str(odd_pipelines.compile_odd(tmp_path)))
    violations = check_documents(documents, rules=check.KFP_RULES)
    found = {(v.rule, v.place) for v in violations}
    assert found == {
        ("producer", "root.dag.tasks[Echo].inputs"),
        ("executor", "components[latest].executorLabel"),
        ("condition", "root.dag.tasks[Consumer].triggerPolicy.condition"),
    }
    [producer] = [v for v in violations if v.rule == "producer"]
    assert producer.message.endswith("got 'Producer_task'; did you mean Producer?")
    # TFX writes the key that it would give to an input that the task has not got yet.
    [condition] = [v for v in violations if v.rule == "condition"]
    assert "got inputs.artifacts['_Producer.folder'];" in condition.message
    missing = [v.place for v in check_documents(documents) if v.rule == "default"]
    assert missing == ["root.inputDefinitions.parameters.text"]


@pytest.mark.tf
def test_run_time_parameters_lost_behind_an_exit_handler_are_found(tmp_path: pathlib.Path) -> None:
    from tests.pipeline.kubeflow.check import odd_pipelines

    documents = read_documents(str(odd_pipelines.compile_with_exit_handler(tmp_path)))
    [violation] = check_documents(documents, rules=check.KFP_RULES)
    assert violation.rule == "dag-input"
    assert violation.place == "components[tfx-dag].dag.tasks[Producer].inputs.parameters.text"


@pytest.mark.tf
def test_the_house_knows_the_compiler_s_command() -> None:
    from pipeline.kubeflow.compiler import compiler

    assert compiler.COMMAND == ENTRYPOINT


@pytest.mark.parametrize("step", ["BarsExampleGen", "ChampionResolver", "Pusher"])
def test_a_cached_step_that_looks_outside_is_found_in_the_golden_package(step: str) -> None:
    documents = read_documents(str(GOLDEN))
    documents[0]["root"]["dag"]["tasks"][step]["cachingOptions"] = {"enableCache": True}
    [violation] = check_documents(documents)
    assert (violation.rule, violation.place) == ("caching", f"root.dag.tasks[{step}].cachingOptions")
