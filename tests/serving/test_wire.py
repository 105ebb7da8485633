"""serving.protos: our messages are TensorFlow Serving's, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import any_pb2, unknown_fields

from components import contract
from serving.protos import wire_pb2
from serving.tensors import write_tensor

pytestmark = pytest.mark.tf
OWN_MESSAGES = {"PackedValues"}
"""Another view of a TensorProto's bytes."""


def tensorflow_messages():
    """Our messages and enums -> TensorFlow's, and gRPC's own."""
    from grpc_health.v1 import health_pb2
    from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
    from tensorflow.core.protobuf import error_codes_pb2, meta_graph_pb2
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_pb2,
        predict_pb2,
        status_pb2,
    )

    modules = {
        tensor_pb2: ["TensorProto"],
        tensor_shape_pb2: ["TensorShapeProto"],
        types_pb2: ["DataType"],
        error_codes_pb2: ["Code"],
        meta_graph_pb2: ["TensorInfo", "SignatureDef"],
        model_pb2: ["ModelSpec"],
        predict_pb2: ["PredictRequest", "PredictResponse"],
        status_pb2: ["StatusProto"],
        get_model_status_pb2: ["GetModelStatusRequest", "ModelVersionStatus", "GetModelStatusResponse"],
        health_pb2: ["HealthCheckRequest", "HealthCheckResponse"],
        get_model_metadata_pb2: ["SignatureDefMap", "GetModelMetadataRequest", "GetModelMetadataResponse"],
    }
    return {name: getattr(module, name) for module, names in modules.items() for name in names}


def describe_fields(descriptor):
    """Number, type and so on of each field, through nested messages and map entries."""
    found = {}
    for field in descriptor.fields:
        target = field.message_type or field.enum_type
        oneof = field.containing_oneof.name if field.containing_oneof else None
        packed = field.is_packed if hasattr(field, "is_packed") else None
        is_map = bool(field.message_type and field.message_type.GetOptions().map_entry)
        found[field.name] = (field.number, field.type, packed, oneof, target.name if target else None)
        if is_map:
            found[f"{field.name}[]"] = describe_fields(field.message_type)
    return found


def test_no_message_is_left_out():
    ours = {*wire_pb2.DESCRIPTOR.message_types_by_name, *wire_pb2.DESCRIPTOR.enum_types_by_name}
    assert ours == {*tensorflow_messages(), *OWN_MESSAGES}


def test_each_field_is_tensorflows():
    theirs = tensorflow_messages()
    for name, ours in wire_pb2.DESCRIPTOR.message_types_by_name.items():
        if name in OWN_MESSAGES:
            continue
        expected = describe_fields(theirs[name].DESCRIPTOR)
        for field, description in describe_fields(ours).items():
            number, kind, packed, oneof, target = (
                expected[field] if isinstance(description, tuple) else ([None] * 5)
            )
            if isinstance(description, dict):
                assert description == expected[field], f"{name}.{field}"
                continue
            # An encoding that we do not read makes TensorInfo.name a member of a oneof there.
            oneof = None if name == "TensorInfo" else oneof
            assert description == (number, kind, packed, oneof, target), f"{name}.{field}"


def test_each_enum_value_is_tensorflows():
    theirs = tensorflow_messages()
    pairs = [(wire_pb2.DataType, theirs["DataType"]), (wire_pb2.Code, theirs["Code"])]
    pairs.append((wire_pb2.ModelVersionStatus.State, theirs["ModelVersionStatus"].State))
    pairs.append((wire_pb2.HealthCheckResponse.ServingStatus, theirs["HealthCheckResponse"].ServingStatus))
    for ours, expected in pairs:
        for name, number in ours.items():
            assert expected.Value(name) == number


def make_messages():
    """One message of each kind, every field of ours set."""
    spec = wire_pb2.ModelSpec(name="marketcast", signature_name="forecast")
    spec.version.value = 1700000000
    label = wire_pb2.ModelSpec(name="marketcast", version_label="stable")
    request = wire_pb2.PredictRequest(model_spec=spec, output_filter=["last_close", "horizons"])
    response = wire_pb2.PredictResponse(model_spec=spec)
    arrays = {
        contract.TICKER: np.array([b"AAPL", b"\xff"], object),
        contract.CLOSE: np.linspace(1, 2, 6, dtype=np.float32).reshape(2, 3),
        contract.HORIZONS_OUTPUT: np.array([1, -2], np.int32),
        contract.MODEL_VERSION: np.array(b"v", object),
        "doubles": np.array([0.1]),
        "longs": np.array([-(2**40)]),
        "bools": np.array([[True]]),
        "words": np.array([2**32 - 1], np.uint32),
        "double_words": np.array([2**64 - 1], np.uint64),
    }
    for name, array in arrays.items():
        write_tensor(array, request.inputs[name])
        write_tensor(array, response.outputs[name], as_fields=True)
    info = wire_pb2.TensorInfo(name="x:0", dtype=wire_pb2.DT_FLOAT)
    info.tensor_shape.dim.add(size=-1, name="batch")
    anything = wire_pb2.TensorInfo(name="y:0", dtype=wire_pb2.DT_STRING)
    anything.tensor_shape.unknown_rank = True
    signature = wire_pb2.SignatureDef(method_name="tensorflow/serving/predict")
    signature.inputs["x"].CopyFrom(info)
    signature.outputs["y"].CopyFrom(anything)
    signatures = wire_pb2.SignatureDefMap(signature_def={"forecast": signature})
    metadata = wire_pb2.GetModelMetadataResponse(model_spec=spec)
    metadata.metadata["signature_def"].CopyFrom(
        any_pb2.Any(type_url="t", value=signatures.SerializeToString())
    )
    status = wire_pb2.GetModelStatusResponse()
    version = status.model_version_status.add(version=3, state=wire_pb2.ModelVersionStatus.AVAILABLE)
    version.status.error_code = wire_pb2.DATA_LOSS
    version.status.error_message = "broken"
    return [
        spec,
        label,
        request,
        response,
        signatures,
        metadata,
        status,
        wire_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"]),
        wire_pb2.GetModelStatusRequest(model_spec=label),
        wire_pb2.HealthCheckRequest(service="tensorflow.serving.PredictionService"),
        wire_pb2.HealthCheckResponse(status=wire_pb2.HealthCheckResponse.NOT_SERVING),
    ]


@pytest.mark.parametrize("index", range(len(make_messages())))
def test_bytes_are_the_same_both_ways(index):
    ours = make_messages()[index]
    theirs = tensorflow_messages()[type(ours).__name__]
    sent = ours.SerializeToString(deterministic=True)
    read = theirs.FromString(sent)
    assert len(unknown_fields.UnknownFieldSet(read)) == 0
    assert read.SerializeToString(deterministic=True) == sent
    assert type(ours).FromString(read.SerializeToString(deterministic=True)) == ours
    assert str(read) == str(ours)


def test_tensorflow_reads_what_we_write():
    import tensorflow as tf

    request = make_messages()[2]
    theirs = tensorflow_messages()["PredictRequest"].FromString(request.SerializeToString())
    for name in (contract.CLOSE, contract.TICKER, "longs"):
        array = tf.make_ndarray(theirs.inputs[name])
        assert tf.make_tensor_proto(array).SerializeToString()
        ours = wire_pb2.TensorProto()
        write_tensor(array, ours)
        np.testing.assert_array_equal(
            tf.make_ndarray(type(theirs.inputs[name]).FromString(ours.SerializeToString())), array
        )


def test_packed_values_are_the_bytes_of_a_tensors_fields():
    theirs = tensorflow_messages()["TensorProto"]
    fields = wire_pb2.PackedValues.DESCRIPTOR.fields
    assert all(field.number == theirs.DESCRIPTOR.fields_by_name[field.name].number for field in fields)
    arrays = {"float_val": np.array([1.5, -0.0, np.inf], np.float32), "double_val": np.array([0.1, 1e300])}
    for name, array in arrays.items():
        packed = wire_pb2.PackedValues(**{name: array.tobytes()}).SerializeToString()
        assert packed == theirs(**{name: array.tolist()}).SerializeToString()
        assert getattr(theirs.FromString(packed), name)[:] == array.tolist()
