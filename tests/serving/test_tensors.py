"""serving.tensors: arrays to TensorProto and back."""

from __future__ import annotations

import numpy as np
import pytest

from serving.protos import wire_pb2
from serving.tensors import read_tensor, write_tensor

ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array([1e-300, np.pi]),
    np.array([[-1, 2]], np.int32),
    np.array([-(2**62)], np.int64),
    np.array([200], np.uint8),
    np.array([-5], np.int8),
    np.array([2**31], np.uint32),
    np.array([2**63], np.uint64),
    np.array([True, False]),
    np.array([b"a", b"\xff\x00"], object),
    np.array(b"scalar", object),
    np.array(2.5, np.float32),
    np.empty((0, 4), np.float32),
]


def make(**fields):
    sizes = fields.pop("shape", [])
    message = wire_pb2.TensorProto(**fields)
    message.tensor_shape.SetInParent()
    for size in sizes:
        message.tensor_shape.dim.add().size = size
    return message


@pytest.mark.parametrize("as_fields", [False, True])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
def test_what_is_written_is_read(array, as_fields):
    message = wire_pb2.TensorProto()
    write_tensor(array, message, as_fields)
    again = read_tensor(wire_pb2.TensorProto.FromString(message.SerializeToString()))
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    np.testing.assert_array_equal(again, array)


def test_missing_values_repeat_the_last_one_and_else_are_zero():
    repeated = make(dtype=wire_pb2.DT_FLOAT, shape=[4], float_val=[1.0, 2.0])
    np.testing.assert_array_equal(read_tensor(repeated), [1.0, 2.0, 2.0, 2.0])
    np.testing.assert_array_equal(read_tensor(make(dtype=wire_pb2.DT_INT32, shape=[2])), [0, 0])
    assert read_tensor(make(dtype=wire_pb2.DT_STRING, shape=[1])).tolist() == [b""]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (make(), "dtype must be one of"),
        (make(dtype=20), "dtype must be one of"),
        (make(dtype=wire_pb2.DT_FLOAT, shape=[2], tensor_content=b"1234"), "must hold 8 bytes, got 4"),
        (make(dtype=wire_pb2.DT_FLOAT, shape=[-1], float_val=[1.0]), "shape must be known"),
        (make(dtype=wire_pb2.DT_FLOAT, shape=[1 << 40], float_val=[1.0]), "must come with its values"),
        (make(dtype=wire_pb2.DT_FLOAT, shape=[1 << 40], tensor_content=b"1234"), "got 4"),
    ],
)
def test_rubbish_is_refused(message, reason):
    with pytest.raises(ValueError, match=reason):
        read_tensor(message)


def test_a_type_without_a_place_is_refused():
    with pytest.raises(ValueError, match="got complex128"):
        write_tensor(np.array([1j]), wire_pb2.TensorProto())
