"""serving.model_server.models, over sockets: policies, labels and reloads as TensorFlow Serving does them."""

from __future__ import annotations

import shutil
import time

import grpc
import pytest

from components import contract
from components.errors import ConfigError
from tests.serving.conftest import push, serving
from tests.serving.sample_bars import make_frame

pytestmark = pytest.mark.tf
NAME = contract.MODEL_NAME
TIMEOUT_SECONDS = 60.0


def describe(base_path, policy="", labels=(), name=NAME):
    """One model of a ModelServerConfig, in text format."""
    text = "".join(f" version_labels {{ key: '{label}' value: {version} }}" for label, version in labels)
    policy = f" model_version_policy {{ {policy} }}" if policy else ""
    return f"config {{ name: '{name}' base_path: '{base_path}' model_platform: 'tensorflow'{policy}{text} }}"


def configure(*models):
    return f"model_config_list {{ {' '.join(models)} }}"


class Stubs:
    """TensorFlow Serving's own stubs over one channel."""

    def __init__(self, address):
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        self.channel = grpc.insecure_channel(address)
        self.predictions = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def states(self, name=NAME, **spec):
        from tensorflow_serving.apis import get_model_status_pb2, model_pb2

        request = get_model_status_pb2.GetModelStatusRequest(
            model_spec=model_pb2.ModelSpec(name=name, **spec)
        )
        answer = self.models.GetModelStatus(request)
        return {one.version: one.State.Name(one.state) for one in answer.model_version_status}

    def ask(self, name=NAME, version=None, label=""):
        """The model_version that answers a forecast."""
        from tests.serving.test_server import make_request

        request = make_request()
        request.model_spec.name = name
        if version is not None:
            request.model_spec.version.value = version
        if label:
            request.model_spec.version_label = label
        answer = self.predictions.Predict(request)
        return answer.outputs[contract.MODEL_VERSION].string_val[0].decode()

    def reload(self, text):
        from google.protobuf import text_format
        from tensorflow_serving.apis import model_management_pb2

        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(text, request.config)
        return self.models.HandleReloadConfigRequest(request).status.error_code


@pytest.fixture
def versions(exported, base_path):
    """A base path with the versions 1, 2 and 3."""
    for version in (1, 2, 3):
        push(exported, version, base_path)
    return base_path


@pytest.fixture
def connect():
    """Makes stubs that are closed at the end."""
    made = []

    def make(server):
        made.append(Stubs(server.address))
        return made[-1]

    yield make
    for stubs in made:
        stubs.channel.close()


@pytest.fixture
def stubs(versions, connect):
    """A server of the newest version, and its stubs."""
    with serving(versions) as server:
        yield connect(server)


def refusal(call, *arguments, **options):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **options)
    return caught.value.code().name, caught.value.details()


@pytest.mark.parametrize(
    ("policy", "available", "latest"),
    [
        ("", {3}, 3),
        ("latest { num_versions: 2 }", {3, 2}, 3),
        ("all {}", {3, 2, 1}, 3),
        ("specific { versions: 1 versions: 2 versions: 9 }", {2, 1}, 2),
    ],
)
def test_a_policy_says_which_versions_answer(versions, stubs, policy, available, latest):
    assert stubs.reload(configure(describe(versions, policy))) == 0
    assert {version for version, state in stubs.states().items() if state == "AVAILABLE"} == available
    assert stubs.ask() == f"tiny-{latest}"
    for version in available:
        assert stubs.ask(version=version) == f"tiny-{version}"
    for version in {1, 2, 3} - available:
        code, message = refusal(stubs.ask, version=version)
        assert (code, message) == (
            "NOT_FOUND",
            f"Servable not found for request: Specific({NAME}, {version})",
        )


def test_a_promotion_takes_two_steps(versions, stubs):
    assert stubs.reload(configure(describe(versions, "specific { versions: 1 }"))) == 0
    stable = [("stable", 1)]
    assert stubs.reload(configure(describe(versions, "specific { versions: 1 }", stable))) == 0
    assert stubs.ask(label="stable") == "tiny-1"
    both = "specific { versions: 1 versions: 2 }"
    code, message = refusal(stubs.reload, configure(describe(versions, both, [("stable", 2)])))
    assert code == "FAILED_PRECONDITION"
    assert message == (
        f"Request to assign label to version 2 of model {NAME}, which is not currently available for "
        "inference"
    )
    assert stubs.ask(label="stable") == "tiny-1", "the old configuration stays"
    assert stubs.reload(configure(describe(versions, both, stable))) == 0
    assert stubs.reload(configure(describe(versions, both, [("stable", 2), ("canary", 1)]))) == 0
    assert (stubs.ask(label="stable"), stubs.ask(label="canary")) == ("tiny-2", "tiny-1")
    assert stubs.states(version_label="canary") == {1: "AVAILABLE"}
    code, message = refusal(stubs.ask, label="none")
    assert (code, message) == ("INVALID_ARGUMENT", "Unrecognized servable version label: none")


def test_several_models_come_and_go(exported, versions, stubs, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    push(exported, 2, other)
    assert stubs.reload(configure(describe(versions), describe(other, name="other"))) == 0
    assert (stubs.ask(), stubs.ask(name="other")) == ("tiny-3", "tiny-2")
    assert stubs.reload(configure(describe(other, name="other"))) == 0
    assert refusal(stubs.ask) == ("NOT_FOUND", f"Servable not found for request: Latest({NAME})")
    assert stubs.ask(name="other") == "tiny-2"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", "INVALID_ARGUMENT", "Only ModelConfigList is currently supported"),
        (
            configure("config { base_path: '/x' model_platform: 'tensorflow' }"),
            "INVALID_ARGUMENT",
            "without a name",
        ),
        (configure(describe("/x"), describe("/y")), "INVALID_ARGUMENT", "multiple times in config list"),
        (configure(describe("x")), "INVALID_ARGUMENT", "to have an absolute path or URI; got base_path()=x"),
        (configure("config { name: 'x' base_path: '/x' }"), "INVALID_ARGUMENT", "Illegal setting neither"),
        (
            configure("config { name: 'x' base_path: '/x' model_platform: 'onnx' }"),
            "INVALID_ARGUMENT",
            "got onnx",
        ),
        (configure(describe("/x", "specific {}")), "INVALID_ARGUMENT", "must name its specific versions"),
        (
            configure(describe("/nowhere", name="new")),
            "UNKNOWN",
            "1 model(s) did not become available: {{new}, }",
        ),
    ],
)
def test_a_wrong_configuration_is_refused(stubs, text, code, message):
    found, told = refusal(stubs.reload, text)
    assert (found, message in told) == (code, True), told
    if code == "INVALID_ARGUMENT":
        assert stubs.ask() == "tiny-3", "the old configuration stays"


def wait_for(condition):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_the_file_is_followed_and_a_wrong_one_changes_nothing(versions, connect, tmp_path, caplog):
    file = tmp_path / "models.config"
    file.write_text(configure(describe(versions, "specific { versions: 1 }", [("stable", 1)])))
    flags = {
        "model_config_file": str(file),
        "model_config_file_poll_wait_seconds": 0.05,
        "allow_version_labels_for_unavailable_models": True,
    }
    with serving(versions, **flags) as server:
        stubs = connect(server)
        assert (stubs.ask(), stubs.ask(label="stable")) == ("tiny-1", "tiny-1")
        file.write_text("model_config_list { nonsense }")
        wait_for(lambda: "must hold a ModelServerConfig" in caplog.text)
        assert stubs.ask(label="stable") == "tiny-1"
        # The label is refused until its version is loaded, and then moves by itself.
        file.write_text(configure(describe(versions, "all {}", [("stable", 3)])))
        wait_for(lambda: "not currently available for inference" in caplog.text)
        assert stubs.ask(label="stable") == "tiny-1"
        file.write_text(configure(describe(versions, "all {}", [("stable", 1)])))
        wait_for(lambda: stubs.states().get(3) == "AVAILABLE")
        file.write_text(configure(describe(versions, "all {}", [("stable", 3)])))
        wait_for(lambda: stubs.ask(label="stable") == "tiny-3")


def test_a_first_configuration_that_cannot_be_ends_the_start(versions, tmp_path):
    file = tmp_path / "models.config"
    flags = {"model_config_file": str(file)}
    with (
        pytest.raises(ConfigError, match="--model_config_file must name a file that can be read"),
        serving(versions, **flags),
    ):
        pass
    file.write_text(configure(describe(versions, labels=[("stable", 3)])))
    with (
        pytest.raises(ConfigError, match="needs --allow_version_labels_for_unavailable_models"),
        serving(versions, **flags),
    ):
        pass
    with serving(versions, allow_version_labels_for_unavailable_models=True, **flags) as server:
        assert server.models.are_available()


def test_a_version_that_failed_is_tried_again_so_often(exported, base_path, connect, monkeypatch):
    from serving.model_server import served_model

    push(exported, 1, base_path)
    tries = []

    class Failing(served_model.Servable):
        def __init__(self, name, version, *arguments):
            tries.append(version)
            if version == 2 and tries.count(2) < 3:
                raise ValueError("not yet")
            super().__init__(name, version, *arguments)

    monkeypatch.setattr(served_model, "Servable", Failing)
    push(exported, 2, base_path)
    options = {"poll_wait_seconds": 0, "max_num_load_retries": 1, "load_retries_interval_micros": 0}
    with serving(base_path, **options) as server:
        stubs = connect(server)
        assert stubs.states() == {2: "END", 1: "AVAILABLE"}
        server.poll()
        server.poll()
        assert tries.count(2) == 2, "one try and one more"
        assert stubs.ask() == "tiny-1"
    with serving(base_path, **options | {"max_num_load_retries": 5}) as server:
        assert connect(server).ask() == "tiny-2"


def test_batching_answers_what_has_rows_and_refuses_what_has_none(versions, connect):
    from tests.serving.test_server import make_request

    with serving(versions, enable_batching=True) as server:
        stubs = connect(server)
        code, message = refusal(stubs.ask)
        assert code == "FAILED_PRECONDITION"
        assert message.startswith("Batched output tensor")
        request = make_request()
        request.model_spec.signature_name = contract.ROW_FORECAST_SIGNATURE
        answer = stubs.predictions.Predict(request)
        assert list(answer.outputs[contract.MODEL_VERSION].string_val) == [b"tiny-3"] * 2
        assert len(answer.outputs[contract.LAST_CLOSE].float_val) == make_frame()[contract.TICKER].nunique()


def test_health_is_told_by_the_models(exported, base_path):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    def check(service=""):
        return stub.Check(health_pb2.HealthCheckRequest(service=service)).status

    serving_status, not_serving = 1, 2
    with serving(base_path, poll_wait_seconds=0) as server, grpc.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert check() == not_serving
        push(exported, 1, base_path)
        server.poll()
        assert check() == check("tensorflow.serving.PredictionService") == serving_status
        code, _ = refusal(check, "other.Service")
        assert code == "NOT_FOUND"
        shutil.rmtree(base_path / "1")
        server.poll()
        assert check() == serving_status, "the version that answers stays"
