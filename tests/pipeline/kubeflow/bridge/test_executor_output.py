import json

import pytest

from pipeline.kubeflow.bridge.bridge_error import BridgeError
from pipeline.kubeflow.bridge.executor_input import read_executor_input
from pipeline.kubeflow.bridge.executor_output import add_driver_output, write_executor_output
from pipeline.kubeflow.bridge.locations import Twins
from tests.pipeline.kubeflow.bridge import launcher_inputs
from tests.pipeline.kubeflow.bridge.launcher_inputs import RUN_URI, make_executor_input, make_input, make_spec

MODEL_URI = f"{RUN_URI}/Trainer/id/model"
BLESSING_URI = f"{RUN_URI}/Evaluator/uuid-Evaluator/blessing"


@pytest.fixture(params=["", "/tmp/task"], ids=["container", "folder"])
def twins(request):
    return Twins(request.param)


@pytest.fixture
def task(twins):
    given = make_executor_input(
        "Evaluator", {"model": make_input(MODEL_URI)}, {"blessing": "tfx.ModelBlessing"}
    )
    given["outputs"]["parameters"] = {"score": {"outputFile": "/tmp/kfp/outputs/score"}}
    return read_executor_input(json.dumps(given), make_spec({"model": "tfx.Model"}), twins)


def write(task, twins, uri=BLESSING_URI, values=None, **metadata):
    artifact = {
        "name": "blessing",
        "uri": twins.to_local(uri),
        "metadata": metadata,
        "type": {"schemaTitle": "x"},
    }
    output = {"artifacts": {"blessing": {"artifacts": [artifact]}}, "parameterValues": values or {}}
    return json.loads(write_executor_output(json.dumps(output), task, twins))


def test_local_paths_become_uris_also_inside_metadata(task, twins):
    local = twins.to_local(MODEL_URI)
    metadata = {
        "current_model": local,
        "blessed": 1.0,
        "all": [{"of": f"{local}/Format-Serving"}],
        "json": json.dumps({"path": local}),
    }
    written = write(task, twins, **metadata)["artifacts"]["blessing"]["artifacts"]
    assert written == [
        {
            "uri": BLESSING_URI,
            "metadata": {
                "current_model": MODEL_URI,
                "blessed": 1.0,
                "all": [{"of": f"{MODEL_URI}/Format-Serving"}],
                "json": json.dumps({"path": MODEL_URI}),
            },
        }
    ]


def test_only_the_fields_that_the_launcher_knows(task, twins):
    written = write(task, twins)
    assert set(written) == {"artifacts", "parameterValues"}
    assert set(written["artifacts"]["blessing"]["artifacts"][0]) == {"uri", "metadata"}


def test_nulls_and_undeclared_values_are_left_out(task, twins):
    written = write(task, twins, BLESSING_URI, {"score": 0.5, "span": 1, "none": None}, note=None)
    assert written["parameterValues"] == {"score": 0.5}
    assert "null" not in json.dumps(written)


def test_undeclared_outputs_are_left_out(task, twins):
    output = {"artifacts": {"executor-logs": {"artifacts": [{"uri": twins.to_local(MODEL_URI)}]}}}
    assert json.loads(write_executor_output(json.dumps(output), task, twins))["artifacts"] == {}


def test_nothing_written_is_still_an_object(task, twins):
    assert json.loads(write_executor_output("{}", task, twins)) == {"artifacts": {}, "parameterValues": {}}


def test_a_local_path_that_cannot_be_restored_is_refused_by_name(task, twins):
    hidden = f"file://{twins.to_local(MODEL_URI)}"
    with pytest.raises(BridgeError, match=r"output 'blessing' must not name a path of its container"):
        write(task, twins, where={"deep": [hidden]})
    with pytest.raises(BridgeError, match=r"output 'blessing' must not name a path of its container"):
        write(task, twins, where={hidden: 1})
    with pytest.raises(BridgeError, match=r"output parameter 'score' must not name a path"):
        write(task, twins, values={"score": hidden})


def test_an_output_parameter_is_restored(task, twins):
    assert (
        write(task, twins, values={"score": twins.to_local(MODEL_URI)})["parameterValues"]["score"]
        == MODEL_URI
    )


@pytest.mark.parametrize("elsewhere", [MODEL_URI, "/mnt/models/7", f"{BLESSING_URI}/sub"])
def test_an_output_that_was_moved_is_refused_by_name(task, twins, elsewhere):
    with pytest.raises(BridgeError, match=r"output 'blessing' must stay at minio://"):
        write(task, twins, uri=elsewhere)


def test_the_session_is_not_copied_on(task, twins):
    assert "secret" not in json.dumps(write(task, twins, store_session_info=launcher_inputs.SESSION))


def test_what_the_driver_found_reaches_the_executor():
    given = json.loads(launcher_inputs.read_real("CsvExampleGen"))
    given["outputs"]["artifacts"]["examples"]["artifacts"][0]["metadata"] = {"kept": "k"}
    task = read_executor_input(json.dumps(given), make_spec({}), Twins())
    found = {"metadata": {"input_fingerprint": "f", "custom:span": 3.0}, "uri": "elsewhere"}
    after = add_driver_output(
        task.executor_input, json.dumps({"artifacts": {"examples": {"artifacts": [found]}}})
    )
    (before,) = task.executor_input["outputs"]["artifacts"]["examples"]["artifacts"]
    (examples,) = after["outputs"]["artifacts"]["examples"]["artifacts"]
    assert examples == before | {"metadata": {"kept": "k", "input_fingerprint": "f", "custom:span": 3.0}}
    assert before["metadata"] == {"kept": "k"}
    assert after["inputs"] == task.executor_input["inputs"]
