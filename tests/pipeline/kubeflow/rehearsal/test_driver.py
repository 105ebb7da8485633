"""What is built is what KFP 2.17.0's own driver built for the same task, but for the ids in it."""

import json
import re

import pytest

from pipeline.kubeflow.package import Package
from pipeline.kubeflow.rehearsal.driver import Run, make_executor_input
from pipeline.kubeflow.rehearsal.placeholders import fill_command
from pipeline.kubeflow.rehearsal.records import Outputs, record_artifact
from tests.pipeline.kubeflow.bridge.launcher_inputs import REAL_TASKS, read_real

OWN_KEYS = {"display_name", "store_session_info"}


def make_spec(name, real):
    """The package in which the real driver found the task, as far as the driver's answer shows it."""
    inputs, outputs = real["inputs"], real["outputs"]["artifacts"]
    components = {name: {"executorLabel": name, "outputDefinitions": {"artifacts": {}}}}
    for key, entry in outputs.items():
        if key != "executor-logs":
            components[name]["outputDefinitions"]["artifacts"][key] = {
                "artifactType": entry["artifacts"][0]["type"]
            }
    task = {"componentRef": {"name": name}, "inputs": {"artifacts": {}, "parameters": {}}}
    for key in inputs.get("artifacts", {}):
        source = {"producerTask": f"before-{key}", "outputArtifactKey": key}
        task["inputs"]["artifacts"][key] = {"taskOutputArtifact": source}
    for key, value in inputs.get("parameterValues", {}).items():
        # YAML knows numbers with a point only, once protobuf has written them.
        constant = float(value) if isinstance(value, int) else value
        task["inputs"]["parameters"][key] = {"runtimeValue": {"constant": constant}}
    root = {"dag": {"tasks": {name: task}}}
    return {"pipelineInfo": {"name": "real"}, "components": components, "root": root}


def hand_on(real):
    """What the tasks before it left, so that the driver could hand it over."""
    ended = {}
    for key, entry in real["inputs"].get("artifacts", {}).items():
        [artifact] = entry["artifacts"]
        metadata = {k: v for k, v in artifact["metadata"].items() if k not in OWN_KEYS}
        recorded = record_artifact(key, int(artifact["name"]), artifact["uri"], metadata)
        ended[f"before-{key}"] = Outputs({key: recorded}, {})
    return ended


def without_ids(value):
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", json.dumps(value))
    return json.loads(text)


@pytest.mark.parametrize("name", REAL_TASKS)
def test_it_builds_what_the_real_driver_built(name):
    real = json.loads(read_real(name))
    root = re.sub(rf"/{name}/.*", "", real["outputs"]["artifacts"]["executor-logs"]["artifacts"][0]["uri"])
    run = Run(Package(make_spec(name, real), {}), root, {})
    built = make_executor_input(run, name, hand_on(real))
    assert without_ids(built) == without_ids(real)


def test_each_task_has_a_folder_of_its_own():
    real = json.loads(read_real("SchemaGen"))
    run = Run(Package(make_spec("SchemaGen", real), {}), "minio://bucket/run", {})
    first, second = (make_executor_input(run, "SchemaGen", hand_on(real)) for _ in range(2))
    assert first["outputs"]["outputFile"] != second["outputs"]["outputFile"]


def test_placeholders_are_filled():
    executor_input = {
        "inputs": {
            "parameterValues": {"n": 3, "text": "a b"},
            "artifacts": {"model": {"artifacts": [{"uri": "s3://bucket/model"}]}},
        },
        "outputs": {
            "artifacts": {"out": {"artifacts": [{"uri": "gs://bucket/out"}]}},
            "parameters": {"score": {"outputFile": "/tmp/kfp/outputs/score"}},
        },
    }
    container = {
        "command": ["run", "{{$.inputs.parameters['n']}}"],
        "args": [
            "--text={{$.inputs.parameters['text']}}",
            "{{$.inputs.artifacts['model'].uri}}",
            "{{$.inputs.artifacts['model'].path}}",
            "{{$.outputs.artifacts['out'].path}}",
            "{{$.outputs.parameters['score'].output_file}}",
        ],
    }
    assert fill_command(container, executor_input) == [
        "run",
        "3",
        "--text=a b",
        "s3://bucket/model",
        "/s3/bucket/model",
        "/gcs/bucket/out",
        "/tmp/kfp/outputs/score",
    ]
    assert json.loads(fill_command({"args": ["{{$}}"]}, executor_input)[0]) == executor_input
