import copy

import pytest

from pipeline.kubeflow.compiler.config import KubeflowConfig, StepConfig
from pipeline.kubeflow.compiler.spec import complete_spec, describe_resources

SPEC = {
    "components": {"make": {"executorLabel": "make_executor"}, "use": {"executorLabel": "use_executor"}},
    "deploymentSpec": {
        "executors": {
            "make_executor": {"container": {"image": "a:1"}},
            "use_executor": {"container": {"image": "a:1"}},
        }
    },
    "root": {
        "dag": {
            "tasks": {
                "make": {"componentRef": {"name": "make"}},
                "use": {"componentRef": {"name": "use"}},
            }
        },
        "inputDefinitions": {"parameters": {"seed": {"parameterType": "NUMBER_INTEGER"}}},
    },
}
CONFIG = KubeflowConfig(
    resources=StepConfig(memory_limit="4Gi"), steps={"use": StepConfig(gpus=2, cpu_request="500m")}
)


@pytest.fixture(name="completed")
def fixture_completed():
    before = copy.deepcopy(SPEC)
    completed = complete_spec(SPEC, {"seed": 1}, CONFIG)
    assert before == SPEC, "the given spec stays as it is"
    return completed


def test_a_parameter_gets_its_default_back(completed):
    assert completed["root"]["inputDefinitions"]["parameters"]["seed"] == {
        "parameterType": "NUMBER_INTEGER",
        "defaultValue": 1,
        "isOptional": True,
    }


def test_resources_of_all_steps_and_of_one(completed):
    executors = completed["deploymentSpec"]["executors"]
    assert executors["make_executor"]["container"]["resources"] == {"resourceMemoryLimit": "4Gi"}
    assert executors["use_executor"]["container"]["resources"] == {
        "resourceCpuRequest": "500m",
        "accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "2"},
    }


def test_a_step_that_asks_for_nothing_gets_no_resources():
    assert describe_resources(StepConfig()) == {}


def test_steps_that_reuse_are_told_where_results_are_kept():
    spec = copy.deepcopy(SPEC)
    tasks = spec["root"]["dag"]["tasks"]
    tasks["Trainer"] = tasks.pop("make")
    told = complete_spec(spec, {}, KubeflowConfig(results_folder="/work/results"))
    executors = told["deploymentSpec"]["executors"]
    env = [{"name": "MARKETCAST_RESULTS_FOLDER", "value": "/work/results"}]
    assert executors["make_executor"]["container"]["env"] == env
    assert "env" not in executors["use_executor"]["container"]
    silent = complete_spec(spec, {}, KubeflowConfig())
    assert "env" not in silent["deploymentSpec"]["executors"]["make_executor"]["container"]
