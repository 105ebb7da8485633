"""NumPy arrays to and from TensorProto: ours (wire_pb2) or TensorFlow's, which has the same fields."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from serving.protos import wire_pb2

Array = npt.NDArray[Any]
TensorMessage = Any
"""A TensorProto, of wire_pb2 or of tensorflow.core.framework.tensor_pb2."""

MAX_FILLED_ELEMENTS = 1 << 24
"""Elements that a message of fewer values may stand for; else a few bytes could ask for all memory."""

_FIELDS: dict[int, tuple[np.dtype[Any], str]] = {
    wire_pb2.DT_FLOAT: (np.dtype(np.float32), "float_val"),
    wire_pb2.DT_DOUBLE: (np.dtype(np.float64), "double_val"),
    wire_pb2.DT_INT8: (np.dtype(np.int8), "int_val"),
    wire_pb2.DT_INT16: (np.dtype(np.int16), "int_val"),
    wire_pb2.DT_INT32: (np.dtype(np.int32), "int_val"),
    wire_pb2.DT_INT64: (np.dtype(np.int64), "int64_val"),
    wire_pb2.DT_UINT8: (np.dtype(np.uint8), "int_val"),
    wire_pb2.DT_UINT16: (np.dtype(np.uint16), "int_val"),
    wire_pb2.DT_UINT32: (np.dtype(np.uint32), "uint32_val"),
    wire_pb2.DT_UINT64: (np.dtype(np.uint64), "uint64_val"),
    wire_pb2.DT_BOOL: (np.dtype(np.bool_), "bool_val"),
    wire_pb2.DT_STRING: (np.dtype(object), "string_val"),
}
_PACKED = (wire_pb2.DT_FLOAT, wire_pb2.DT_DOUBLE)
"""Types whose values wire_pb2.PackedValues holds."""
_DATA_TYPES = {dtype: number for number, (dtype, _) in _FIELDS.items()}


def write_tensor(array: Array, message: TensorMessage, as_fields: bool = False) -> None:
    """Writes an array into an empty TensorProto.

    Args:
      array: numbers or bools; strings as object array of bytes.
      message: the TensorProto.
      as_fields: numbers go into the typed fields, as TensorFlow Serving answers, else into
        tensor_content, which is quicker to write and to read.
    Raises:
      ValueError: the array's type has no place in a TensorProto.
    """
    if array.dtype not in _DATA_TYPES:
        raise ValueError(
            f"a tensor must hold one of {', '.join(map(str, _DATA_TYPES))}, got {array.dtype}; convert it"
        )
    message.dtype = _DATA_TYPES[array.dtype]
    message.tensor_shape.SetInParent()  # A scalar has a shape, too: one without dimensions.
    for size in array.shape:
        message.tensor_shape.dim.add().size = size
    if as_fields and message.dtype in _PACKED:
        packed = wire_pb2.PackedValues(**{_FIELDS[message.dtype][1]: array.tobytes()})
        message.MergeFromString(packed.SerializeToString())
    elif as_fields or array.dtype.kind == "O":
        getattr(message, _FIELDS[message.dtype][1]).extend(array.ravel().tolist())
    else:
        message.tensor_content = array.tobytes()


def read_tensor(message: TensorMessage) -> Array:
    """Reads a TensorProto as TensorFlow does: missing values repeat the last one, or are zero.

    Args:
      message: the TensorProto.
    Returns:
      An array, perhaps read-only; strings as object array of bytes.
    Raises:
      ValueError: the message is no tensor, or of a type that is not read here.
    """
    if message.dtype not in _FIELDS:
        raise ValueError(
            f"a tensor's dtype must be one of {sorted(_FIELDS)}, got {message.dtype}; convert it"
        )
    dtype, field = _FIELDS[message.dtype]
    shape = [dim.size for dim in message.tensor_shape.dim]
    if message.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ValueError(f"a tensor's shape must be known, got {shape}; give each dimension its size")
    num_elements = math.prod(shape)
    if message.tensor_content and dtype.kind != "O":
        return _read_content(message.tensor_content, dtype, num_elements).reshape(shape)
    if message.dtype in _PACKED:
        packed = wire_pb2.PackedValues.FromString(message.SerializeToString())
        values = np.frombuffer(getattr(packed, field), dtype)
    else:
        values = getattr(message, field)
    return _read_fields(values, dtype, num_elements).reshape(shape)


def _read_content(content: bytes, dtype: np.dtype[Any], num_elements: int) -> Array:
    """The elements in tensor_content, [num_elements]."""
    if len(content) != num_elements * dtype.itemsize:
        raise ValueError(
            f"tensor_content must hold {num_elements * dtype.itemsize} bytes, got {len(content)}; "
            "make the shape and the content agree"
        )
    return np.frombuffer(content, dtype)


def _read_fields(values: Any, dtype: np.dtype[Any], num_elements: int) -> Array:
    """The elements in a typed field, [num_elements]."""
    if len(values) < num_elements and num_elements > MAX_FILLED_ELEMENTS:
        raise ValueError(
            f"a tensor of {num_elements} elements must come with its values, got {len(values)}; send them"
        )
    array: Array = np.empty(num_elements, dtype)
    given = min(len(values), num_elements)
    array[:given] = np.asarray(values[:given]).astype(dtype) if dtype.kind != "O" else values[:given]
    if given < num_elements:
        array[given:] = values[-1] if given else (b"" if dtype.kind == "O" else 0)
    return array
