"""serving.model_server.inference, over a socket: classification, regression, and both together."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from tests.serving.conftest import serving

pytestmark = pytest.mark.tf

NAME = "marketcast"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that classifies and regresses examples of one number."""
    import tensorflow as tf

    base = tmp_path_factory.mktemp("examples") / NAME
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        examples = tf.compat.v1.placeholder(tf.string, [None], "examples")
        other = tf.compat.v1.placeholder(tf.string, [None], "other")
        features = {
            "x": tf.io.FixedLenFeature([], tf.float32),
            "y": tf.io.FixedLenFeature([], tf.float32, 0.0),
        }
        parsed = tf.io.parse_example(examples, features)
        x, y = parsed["x"], parsed["y"]
        classes = tf.tile(tf.constant([["down", "up"]]), [tf.shape(x)[0], 1])
        scores = tf.stack([-x, x], axis=1)
        lonely = tf.io.parse_example(other, features)["x"]
        signatures = tf.compat.v1.saved_model
        definitions = {
            "serving_default": signatures.classification_signature_def(examples, classes, scores),
            "scores": signatures.classification_signature_def(examples, None, scores),
            "sum": signatures.regression_signature_def(examples, x + y),
            "other": signatures.regression_signature_def(other, lonely),
            "shared": signatures.regression_signature_def(examples, tf.constant([1.0, 2.0, 3.0])),
            "predict": signatures.predict_signature_def({"inputs": examples}, {"outputs": x}),
        }
        builder = signatures.Builder(str(base / "1"))
        builder.add_meta_graph_and_variables(session, [tf.saved_model.SERVING], definitions)
        builder.save()
    return base


@pytest.fixture(scope="module")
def stub(folder):
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    with serving(folder) as server, grpc.insecure_channel(server.address) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def make_request(kind, signature="", numbers=(1.0, 2.5), context=None):
    """A request of a message type with an `input`."""
    request = kind()
    if hasattr(request, "model_spec"):
        request.model_spec.name = NAME
        request.model_spec.signature_name = signature
    listed = request.input.example_list if context is None else request.input.example_list_with_context
    for number in numbers:
        listed.examples.add().features.feature["x"].float_list.value.append(number)
    if context is not None:
        listed.context.features.feature["y"].float_list.value.append(context)
    return request


def classification(signature="", **options):
    from tensorflow_serving.apis import classification_pb2

    return make_request(classification_pb2.ClassificationRequest, signature, **options)


def regression(signature="sum", **options):
    from tensorflow_serving.apis import regression_pb2

    return make_request(regression_pb2.RegressionRequest, signature, **options)


def multi(*tasks, **options):
    from tensorflow_serving.apis import inference_pb2

    request = make_request(inference_pb2.MultiInferenceRequest, **options)
    for signature, method in tasks:
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = NAME
        task.model_spec.signature_name = signature
    return request


def test_each_example_gets_its_classes_with_labels_and_scores(stub):
    answer = stub.Classify(classification())
    found = [[(one.label, one.score) for one in row.classes] for row in answer.result.classifications]
    assert found == [[("down", -1.0), ("up", 1.0)], [("down", -2.5), ("up", 2.5)]]
    assert (answer.model_spec.name, answer.model_spec.version.value) == (NAME, 1)
    assert answer.model_spec.signature_name == "serving_default"
    (row,) = stub.Classify(classification("scores", numbers=[4.0])).result.classifications
    assert [(one.label, one.score) for one in row.classes] == [("", -4.0), ("", 4.0)]


def test_each_example_gets_a_number_and_a_context_belongs_to_all(stub):
    plain = stub.Regress(regression())
    assert [one.value for one in plain.result.regressions] == [1.0, 2.5]
    with_context = stub.Regress(regression(context=10.0))
    assert [one.value for one in with_context.result.regressions] == [11.0, 12.5]
    assert with_context.model_spec.signature_name == "sum"


def test_several_tasks_answer_the_same_examples(stub):
    answer = stub.MultiInference(multi(("", "classify"), ("sum", "regress")))
    first, second = answer.results
    assert [row.classes[1].score for row in first.classification_result.classifications] == [1.0, 2.5]
    assert [one.value for one in second.regression_result.regressions] == [1.0, 2.5]
    assert [one.model_spec.signature_name for one in answer.results] == ["serving_default", "sum"]


def test_examples_can_be_predicted_too(stub):
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, "predict"
    examples = [example.SerializeToString() for example in regression().input.example_list.examples]
    request.inputs["inputs"].CopyFrom(tf.make_tensor_proto(examples))
    np.testing.assert_array_equal(tf.make_ndarray(stub.Predict(request).outputs["outputs"]), [1.0, 2.5])


@pytest.mark.parametrize(
    ("method", "make", "code", "message"),
    [
        (
            "Classify",
            lambda: classification("sum"),
            "INVALID_ARGUMENT",
            "Expected classification signature method_name",
        ),
        (
            "Classify",
            lambda: classification("none"),
            "INVALID_ARGUMENT",
            "No signature was found with the name: none",
        ),
        ("Classify", lambda: classification(numbers=[]), "INVALID_ARGUMENT", "Input is empty."),
        ("Regress", lambda: regression("scores"), "INVALID_ARGUMENT", "Was: tensorflow/serving/classify"),
        (
            "Regress",
            lambda: regression("shared"),
            "INVALID_ARGUMENT",
            "did not match output batch size: 2 vs. 3",
        ),
        ("MultiInference", lambda: multi(), "INVALID_ARGUMENT", "must have tasks specified"),
        (
            "MultiInference",
            lambda: multi(("sum", "regress"), ("sum", "regress")),
            "INVALID_ARGUMENT",
            "Duplicate",
        ),
        (
            "MultiInference",
            lambda: multi(("sum", "regress"), ("other", "regress")),
            "INVALID_ARGUMENT",
            "must be the same",
        ),
        (
            "MultiInference",
            lambda: multi(("sum", "classify")),
            "INVALID_ARGUMENT",
            "Was: tensorflow/serving/regress",
        ),
        (
            "MultiInference",
            lambda: multi(("predict", "predict")),
            "UNIMPLEMENTED",
            "tensorflow/serving/predict",
        ),
        (
            "MultiInference",
            lambda: multi(("none", "regress")),
            "INVALID_ARGUMENT",
            "not found in model graph: none",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_tensorflow_servings_words(stub, method, make, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        getattr(stub, method)(make())
    assert (caught.value.code().name, message in caught.value.details()) == (code, True), caught.value
