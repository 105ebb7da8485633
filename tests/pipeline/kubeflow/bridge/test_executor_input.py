import copy
import json

import pytest

from pipeline.kubeflow.bridge.bridge_error import BridgeError
from pipeline.kubeflow.bridge.executor_input import read_executor_input
from pipeline.kubeflow.bridge.locations import Twins
from tests.pipeline.kubeflow.bridge import launcher_inputs
from tests.pipeline.kubeflow.bridge.launcher_inputs import (
    INPUT_TYPES,
    REAL_TASKS,
    RUN_URI,
    make_executor_input,
    make_input,
    make_spec,
)

MODEL_URI = f"{RUN_URI}/Trainer/id/model"


def read(given, spec="", twins=None):
    return read_executor_input(json.dumps(given), spec, twins or Twins())


def only(lists, key):
    (artifact,) = lists["artifacts"][key]["artifacts"]
    return artifact


@pytest.mark.parametrize("name", REAL_TASKS)
def test_what_kfp_really_hands_over(name):
    given = json.loads(launcher_inputs.read_real(name))
    task = read_executor_input(launcher_inputs.read_real(name), make_spec(INPUT_TYPES[name]), Twins())
    text = json.dumps(task.executor_input)
    assert "executor-logs" not in text
    assert "minio://" not in text
    assert not any(word in text for word in ("store_session_info", "secret", "seaweedfs", "display_name"))
    assert {place.key: place.type_title for place in task.inputs} == INPUT_TYPES[name]
    for place in (*task.inputs, *task.outputs):
        assert place.uri.startswith("minio://mlpipeline/")
        assert place.path == place.uri.replace("minio://", "/minio/")
    assert task.output_file == given["outputs"]["outputFile"]
    assert task.executor_input["inputs"]["parameterValues"] == given["inputs"]["parameterValues"]


def test_metadata_of_a_real_input():
    name = "StatisticsGen"
    task = read_executor_input(launcher_inputs.read_real(name), make_spec(INPUT_TYPES[name]), Twins())
    examples = only(task.executor_input["inputs"], "examples")
    assert examples["name"] == "56"
    assert examples["type"] == {"schemaTitle": "tfx.Examples"}
    assert examples["metadata"] == {
        "file_format": "tfrecords_gzip",
        "payload_format": "FORMAT_TF_EXAMPLE",
        "split_names": '["train", "eval"]',
        "tfx_version": "1.16.0",
    }


def test_the_launcher_s_logs_of_a_retry_go_too():
    given = make_executor_input("Trainer", {}, {"model": "tfx.Model"})
    logs = given["outputs"]["artifacts"].pop("executor-logs")
    given["outputs"]["artifacts"]["executor-logs-0"] = logs
    assert [place.key for place in read(given).outputs] == ["model"]


def test_twins_in_another_folder():
    given = make_executor_input("Trainer", {"examples": make_input("s3://b/x")}, {"model": "tfx.Model"})
    task = read(given, make_spec({"examples": "tfx.Examples"}), Twins("/tmp/task"))
    assert task.inputs[0].path == "/tmp/task/s3/b/x"
    assert task.outputs[0].path.startswith("/tmp/task/minio/mlpipeline/")
    assert task.output_file.startswith("/tmp/task/minio/mlpipeline/")


def test_a_type_of_our_own_is_imported_from_where_it_is():
    task = read(make_executor_input("T", {}, {"report": "marketcast.IngestReport"}))
    assert task.outputs[0].type_title == "components.ingest.component.IngestReport"


@pytest.mark.parametrize("given_type", [{}, {"instanceSchema": ""}, {"schemaTitle": "system.Artifact"}])
def test_an_input_without_a_type_of_tfx_gets_the_declared_one(given_type):
    given = make_executor_input("T", {"report": make_input(MODEL_URI) | {"type": given_type}}, {})
    task = read(given, make_spec({"report": "components.ingest.component.IngestReport"}))
    assert task.inputs[0].type_title == "components.ingest.component.IngestReport"


@pytest.mark.parametrize(
    "given_type",
    [{"schemaTitle": "tfx.Model"}, {"schema_title": "tfx.Model"}, {"instance_schema": "title: tfx.Model\n"}],
)
def test_a_type_that_is_given_stays(given_type):
    given = make_executor_input("T", {"model": make_input(MODEL_URI) | {"type": given_type}}, {})
    assert read(given, make_spec({"model": "tfx.Examples"})).inputs[0].type_title == "tfx.Model"


@pytest.mark.parametrize("schema", ["", "just a text", "- a list"])
def test_an_input_of_no_type_at_all_is_named(schema):
    given = make_executor_input(
        "T", {"model": make_input(MODEL_URI) | {"type": {"instanceSchema": schema}}}, {}
    )
    with pytest.raises(BridgeError, match=r"input 'model' must have a type of TFX"):
        read(given)


def test_an_output_of_no_type_is_named():
    given = make_executor_input("T", {}, {"model": "tfx.Model"})
    only(given["outputs"], "model")["type"] = {}
    with pytest.raises(BridgeError, match=r"output 'model' must have a type of TFX"):
        read(given)


def test_an_artifact_without_uri_is_named():
    given = make_executor_input("T", {"model": make_input("")}, {})
    with pytest.raises(BridgeError, match=r"input 'model' must have a URI"):
        read(given, make_spec({"model": "tfx.Model"}))


def test_a_champion_that_is_absent_is_no_input():
    inputs = {"baseline_model": make_input(MODEL_URI, absent=1.0), "model": make_input(MODEL_URI, absent=0)}
    task = read(
        make_executor_input("T", inputs, {}), make_spec({"baseline_model": "tfx.Model", "model": "tfx.Model"})
    )
    assert list(task.executor_input["inputs"]["artifacts"]) == ["model"]
    assert [place.key for place in task.inputs] == ["model"]


@pytest.mark.parametrize("empty", [{}, {"artifacts": []}])
def test_an_optional_input_that_is_not_given_is_no_input(empty):
    given = make_executor_input("T", {}, {})
    given["inputs"]["artifacts"]["hyperparameters"] = empty
    assert read(given).inputs == ()


def test_an_artifact_is_found_where_another_s_metadata_names_it():
    blessing = make_input(f"{RUN_URI}/Evaluator/id/blessing", current_model=MODEL_URI, other="s3://b/pushed")
    given = make_executor_input("Pusher", {"model": make_input(MODEL_URI), "blessing": blessing}, {})
    task = read(given, make_spec({"model": "tfx.Model", "blessing": "tfx.ModelBlessing"}))
    inputs = task.executor_input["inputs"]
    assert only(inputs, "blessing")["metadata"]["current_model"] == only(inputs, "model")["uri"]
    assert only(inputs, "blessing")["metadata"]["other"] == "s3://b/pushed", "nothing was downloaded there"


def test_a_plain_path_and_a_foreign_store_stay():
    inputs = {"model": make_input("/mnt/models/7"), "schema": make_input("hdfs://name/schema")}
    task = read(
        make_executor_input("T", inputs, {}), make_spec({"model": "tfx.Model", "schema": "tfx.Schema"})
    )
    assert [place.path for place in task.inputs] == ["/mnt/models/7", "hdfs://name/schema"]


def test_numbers_become_booleans_where_the_component_declares_them():
    parameters = {"flag": 1, "off": 0.0, "steps": 1, "text": "1", "none": None}
    spec = make_spec({}, {"flag": "BOOLEAN", "off": "BOOLEAN", "steps": "NUMBER_INTEGER", "text": "STRING"})
    values = read(make_executor_input("T", {}, {}, parameters), spec).executor_input["inputs"][
        "parameterValues"
    ]
    assert values == {"flag": True, "off": False, "steps": 1, "text": "1"}
    assert values["flag"] is True
    assert values["steps"] is not True


def test_the_older_style_with_underscores_and_typed_properties():
    artifact = {
        "uri": "gs://root/m/",
        "properties": {"span": {"intValue": "3"}},
        "type": {"schema_title": "tfx.Model"},
    }
    given = {
        "inputs": {"artifacts": {"model": {"artifacts": [artifact]}}, "parameter_values": {"a": "b"}},
        "outputs": {"output_file": "gs://root/out.json", "parameters": {"value": {"outputFile": ""}}},
    }
    task = read(given)
    model = only(task.executor_input["inputs"], "model")
    assert model == {
        "name": "gs://root/m/",
        "type": {"schemaTitle": "tfx.Model"},
        "uri": "/gcs/root/m/",
        "metadata": {"span": 3},
    }
    assert task.executor_input["inputs"]["parameterValues"] == {"a": "b"}
    assert task.output_file == "/gcs/root/out.json"
    assert task.output_parameters == {"value"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_broken_json_is_refused_without_its_content(text):
    with pytest.raises(BridgeError, match="--json_serialized_invocation_args must be"):
        read_executor_input(text, "", Twins())


def test_an_error_never_quotes_the_secret():
    broken = launcher_inputs.read_real("StatisticsGen").replace('"outputs"', "outputs")
    with pytest.raises(BridgeError) as caught:
        read_executor_input(broken, "", Twins())
    assert "secret" not in str(caught.value)


def test_no_output_file_is_refused():
    given = make_executor_input("T", {}, {})
    del given["outputs"]["outputFile"]
    with pytest.raises(BridgeError, match="must name its output file"):
        read(given)


def test_the_given_text_is_only_read():
    given = make_executor_input("T", {"model": make_input(MODEL_URI)}, {"out": "tfx.Model"})
    before = copy.deepcopy(given)
    read(given, make_spec({"model": "tfx.Model"}))
    assert given == before
