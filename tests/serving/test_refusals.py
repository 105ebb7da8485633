"""serving.server: what is wrong is refused with TensorFlow Serving's codes and words."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from components import contract
from tests.serving.predict_requests import make_request


def of_spec(**fields):
    def change(request):
        for name, value in fields.items():
            if name == "version":
                request.model_spec.version.value = value
            else:
                setattr(request.model_spec, name, value)

    return change


def of_inputs(**changes):
    return lambda request: request.CopyFrom(make_request(**changes))


def of_tensor(name, **fields):
    def change(request):
        for field, value in fields.items():
            setattr(request.inputs[name], field, value)

    return change


LONG = np.ones((2, contract.LOOKBACK), np.float32)
REFUSALS = {
    "no model spec": (lambda r: r.ClearField("model_spec"), "INVALID_ARGUMENT", "Missing ModelSpec"),
    "no name": (of_spec(name=""), "INVALID_ARGUMENT", "ModelSpec has no name specified"),
    "other name": (of_spec(name="x"), "NOT_FOUND", "Servable not found for request: Latest(x)"),
    "other version": (
        of_spec(version=9),
        "NOT_FOUND",
        "Servable not found for request: Specific(marketcast, 9)",
    ),
    "label": (
        of_spec(version_label="stable"),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: stable",
    ),
    "other signature": (
        of_spec(signature_name="x"),
        "FAILED_PRECONDITION",
        'Serving signature key "x" not found.',
    ),
    "missing input": (of_inputs(close=None), "INVALID_ARGUMENT", "Missing but required: {close}"),
    "extra input": (of_inputs(bid=LONG), "INVALID_ARGUMENT", "Sent extra: {bid}"),
    "no inputs": (
        lambda r: r.inputs.clear(),
        "INVALID_ARGUMENT",
        "input size does not match signature: 0!=7",
    ),
    "wrong type": (
        of_inputs(close=LONG.astype(np.float64)),
        "INVALID_ARGUMENT",
        "close must be float32, got float64",
    ),
    "unknown type": (of_tensor("close", dtype=99), "INVALID_ARGUMENT", "close must be float32, got 99"),
    "wrong rank": (of_inputs(close=LONG[0]), "INVALID_ARGUMENT", "close must have the shape (None, None)"),
    "broken tensor": (
        of_tensor("close", tensor_content=b"123"),
        "INVALID_ARGUMENT",
        "tensor parsing error: close",
    ),
    "unknown output": (
        lambda r: r.output_filter.append("x"),
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: x",
    ),
    "doubled output": (
        lambda r: r.output_filter.extend(["horizons"] * 2),
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: horizons",
    ),
    "too few bars": (
        of_inputs(**dict.fromkeys(contract.BAR_COLUMNS, LONG[:, 1:])),
        "INVALID_ARGUMENT",
        "a forecast must be given at least 260 bars, got] [259]",
    ),
    "bad price": (of_inputs(close=-LONG), "INVALID_ARGUMENT", "close must be positive and finite"),
    "lengths differ": (of_inputs(adj_close=LONG[:1, :9]), "INVALID_ARGUMENT", ""),
}


@pytest.mark.tf
@pytest.mark.parametrize("name", list(REFUSALS))
def test_what_is_wrong_is_refused_with_tensorflow_servings_code(name, stubs):
    change, code, message = REFUSALS[name]
    request = make_request()
    change(request)
    with pytest.raises(grpc.RpcError) as caught:
        stubs[0].Predict(request)
    assert caught.value.code().name == code
    assert message in caught.value.details()
    assert stubs[0].Predict(make_request()).outputs, "the server lives on"


@pytest.mark.tf
def test_other_methods_refuse_as_well(stubs):
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_pb2,
    )

    ours = model_pb2.ModelSpec(name=contract.MODEL_NAME)
    older = model_pb2.ModelSpec(name=contract.MODEL_NAME)
    older.version.value = 7
    metadata, status = (
        get_model_metadata_pb2.GetModelMetadataRequest,
        get_model_status_pb2.GetModelStatusRequest,
    )
    calls = [
        (stubs[0].GetModelMetadata, metadata(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            stubs[0].GetModelMetadata,
            metadata(model_spec=ours),
            "INVALID_ARGUMENT",
            "at least one metadata_field",
        ),
        (
            stubs[0].GetModelMetadata,
            metadata(model_spec=ours, metadata_field=["x"]),
            "INVALID_ARGUMENT",
            "Metadata field x is not supported",
        ),
        (
            stubs[0].GetModelMetadata,
            metadata(model_spec=older, metadata_field=["signature_def"]),
            "NOT_FOUND",
            "Specific(marketcast, 7)",
        ),
        (stubs[1].GetModelStatus, status(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (stubs[1].GetModelStatus, status(model_spec=older), "NOT_FOUND", "Could not find version 7 of model"),
        (
            stubs[1].GetModelStatus,
            status(model_spec=model_pb2.ModelSpec(name="x")),
            "NOT_FOUND",
            "Could not find any versions of model x",
        ),
        (
            stubs[0].Classify,
            classification_pb2.ClassificationRequest(),
            "INVALID_ARGUMENT",
            "Missing ModelSpec",
        ),
    ]
    for method, request, code, message in calls:
        with pytest.raises(grpc.RpcError) as caught:
            method(request)
        assert (caught.value.code().name, message in caught.value.details()) == (code, True), caught.value
