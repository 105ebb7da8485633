import dataclasses
import pathlib
import re

import pytest

from components import contract
from components.errors import ConfigError
from pipeline.kubeflow.package import format_package, read_package

pytestmark = pytest.mark.tf

ROOT = pathlib.Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden" / "pipeline.yaml"
SDK_VERSION = re.compile(r"^sdkVersion: tfx-.*$", re.MULTILINE)
"""The one line in which the two dependency sets differ."""
PARAMETERS = {
    contract.DATA_PARAMETER: "data/raw/stock_prices.csv",
    contract.METADATA_PARAMETER: "data/raw/company_metadata.csv",
    contract.AS_OF_PARAMETER: "",
    contract.KNOWN_ON_PARAMETER: "",
    contract.TRAIN_STEPS_PARAMETER: 300,
    contract.SEED_PARAMETER: 1,
    contract.PUSH_DESTINATION_PARAMETER: "/models/marketcast",
    contract.CHAMPION_LOCATION_PARAMETER: "/models/marketcast",
}


def tasks_of(spec):
    return spec["root"]["dag"]["tasks"]


@pytest.fixture(name="config", scope="module")
def fixture_config():
    from pipeline.config import load_config
    from pipeline.environment import KUBEFLOW

    return load_config(environment=KUBEFLOW)


@pytest.fixture(name="package", scope="module")
def fixture_package(config):
    from pipeline.kubeflow.compiler.compiler import compile_pipeline

    return compile_pipeline(config)


def test_the_package_is_the_golden_one(package, tmp_path):
    text = SDK_VERSION.sub("sdkVersion: tfx", format_package(package))
    made = tmp_path / "pipeline.yaml"
    made.write_text(text)
    assert text == GOLDEN.read_text(), f"if the change is meant: cp {made} {GOLDEN.relative_to(ROOT)}"


def test_the_same_config_gives_the_same_bytes(config, package):
    from pipeline.kubeflow.compiler.compiler import compile_pipeline

    assert format_package(compile_pipeline(config)) == format_package(package)


def test_an_operator_can_change_eight_things(package):
    parameters = package.spec["root"]["inputDefinitions"]["parameters"]
    assert {name: entry["defaultValue"] for name, entry in parameters.items()} == PARAMETERS
    assert all(entry["isOptional"] for entry in parameters.values())


def test_each_parameter_reaches_its_step(package):
    reached = {
        (name, key): value["componentInputParameter"]
        for name, task in tasks_of(package.spec).items()
        for key, value in task.get("inputs", {}).get("parameters", {}).items()
        if "componentInputParameter" in value
    }
    assert reached == {
        ("BarsExampleGen", "data"): contract.DATA_PARAMETER,
        ("BarsExampleGen", "metadata"): contract.METADATA_PARAMETER,
        ("BarsExampleGen", "as_of"): contract.AS_OF_PARAMETER,
        ("BarsExampleGen", "known_on"): contract.KNOWN_ON_PARAMETER,
        ("Trainer", "train_steps"): contract.TRAIN_STEPS_PARAMETER,
        ("Trainer", "seed"): contract.SEED_PARAMETER,
        ("Pusher", "push_destination"): contract.PUSH_DESTINATION_PARAMETER,
        ("ChampionResolver", "push_destination"): contract.CHAMPION_LOCATION_PARAMETER,
    }


def test_it_is_the_dag_of_the_local_run(package, tmp_path):
    from pipeline.config import load_config
    from pipeline.dag import create_pipeline

    paths = [f"paths.{name}={tmp_path / name}" for name in ("run_root", "model_base_path")]
    components = create_pipeline(load_config(overrides=paths)).components
    local = {c.id: sorted(node.id for node in c.upstream_nodes) for c in components}
    tasks = tasks_of(package.spec)
    assert {name: sorted(task.get("dependentTasks", [])) for name, task in tasks.items()} == local


def test_no_step_is_served_from_the_cache(package):
    assert not any(task.get("cachingOptions") for task in tasks_of(package.spec).values())


def test_no_path_of_this_machine_is_in_it(package):
    assert str(ROOT) not in format_package(package)
    assert "/tmp" not in format_package(package)


def test_kfp_s_sdk_loads_it(package, tmp_path):
    from kfp import components

    file = tmp_path / "pipeline.yaml"
    file.write_text(format_package(package))
    loaded = components.load_component_from_file(str(file))
    assert set(loaded.component_spec.inputs) == set(PARAMETERS)
    assert read_package(str(file)) == package


def test_kfp_s_client_takes_its_platform_document(package, tmp_path):
    from google.protobuf import json_format
    from kfp.client import client

    file = tmp_path / "pipeline.yaml"
    file.write_text(format_package(package))
    document = client._extract_pipeline_yaml(str(file))
    sent = document.to_dict()
    assert json_format.MessageToDict(document.platform_spec) == package.platform
    assert sent["pipeline_spec"]["pipelineInfo"] == {"name": "marketcast"}


def test_beam_goes_where_the_config_says_step_by_step(config):
    from pipeline.kubeflow.compiler.compiler import compile_pipeline

    flink = ("--runner=FlinkRunner", "--flink_master=flink:8081")
    beam = dataclasses.replace(config.beam, component_args={"Transform": flink}, shared_folder="/shared")
    spec = compile_pipeline(dataclasses.replace(config, beam=beam)).spec
    executors = spec["deploymentSpec"]["executors"]
    flags = {
        name: [
            a for a in executors[f"{name}_executor"]["container"]["args"] if "=" in a and a.startswith("--")
        ]
        for name in ("Transform", "BarsExampleGen", "Trainer")
    }
    assert flags == {
        "Transform": ["--shared_folder=/shared", *flink],
        "BarsExampleGen": config.beam.arguments_of("BarsExampleGen"),
        "Trainer": [],
    }


def test_workers_elsewhere_need_a_folder_that_they_see(config):
    from pipeline.kubeflow.compiler.compiler import compile_pipeline

    beam = dataclasses.replace(config.beam, component_args={"Evaluator": ("--runner=DataflowRunner",)})
    with pytest.raises(ConfigError, match=r"beam.shared_folder must be given for Evaluator"):
        compile_pipeline(dataclasses.replace(config, beam=beam))


def test_a_misspelt_step_is_refused(config):
    from pipeline.kubeflow.compiler.compiler import compile_pipeline
    from pipeline.kubeflow.compiler.config import StepConfig

    kubeflow = dataclasses.replace(config.kubeflow, steps={"Trianer": StepConfig(gpus=1)})
    with pytest.raises(ConfigError, match="did you mean Trainer"):
        compile_pipeline(dataclasses.replace(config, kubeflow=kubeflow))
