"""The wire bytes of a tf.Example, packed by numpy: what TensorFlow's own class writes, without its loop.

Source: protobuf's encoding, https://protobuf.dev/programming-guides/encoding/, and
tensorflow/core/example/{example,feature}.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_VARINT_BITS = 7
_MORE = 0x80
"""Bit of each byte of a varint but its last."""
_AFTER_UTF8 = b"\xff"
# Field number << 3 | 2 (length-delimited): all fields here are of that wire type.
_FIRST_FIELD = b"\x0a"
_SECOND_FIELD = b"\x12"
_BYTES_LIST = b"\x0a"
_FLOAT_LIST = b"\x12"
_INT64_LIST = b"\x1a"


def encode_example(features: Mapping[str, bytes]) -> bytes:
    """Serializes a tf.Example.

    Args:
      features: name -> one of text_feature, float_feature and int64_feature.
    """
    entries = [
        _FIRST_FIELD + _with_length(_field(_FIRST_FIELD, name.encode()) + _field(_SECOND_FIELD, feature))
        for name, feature in sorted(features.items(), key=_map_order)
    ]
    return _field(_FIRST_FIELD, b"".join(entries))


def text_feature(text: str) -> bytes:
    """Serializes a tf.train.Feature of one text, UTF-8."""
    return _field(_BYTES_LIST, _field(_FIRST_FIELD, text.encode()))


def float_feature(values: npt.NDArray[np.floating[Any]]) -> bytes:
    """Serializes a tf.train.Feature of numbers, row-major, as float32."""
    return _field(_FLOAT_LIST, _packed(np.asarray(values, "<f4").tobytes()))


def int64_feature(values: npt.NDArray[np.int64]) -> bytes:
    """Serializes a tf.train.Feature of whole numbers [n]."""
    return _field(_INT64_LIST, _packed(encode_varints(values)))


def encode_varints(values: npt.NDArray[np.int64]) -> bytes:
    """Encodes int64 [n] as varints, one after the other; a negative number takes ten bytes."""
    rest = np.asarray(values, np.int64).astype(np.uint64)[:, None]
    num_groups = -(-int(rest.max(initial=1)).bit_length() // _VARINT_BITS)
    rest = rest >> np.arange(num_groups, dtype=np.uint64) * np.uint64(_VARINT_BITS)
    is_used = rest != 0
    is_used[:, 0] = True
    has_more = np.zeros_like(is_used)
    has_more[:, :-1] = is_used[:, 1:]
    groups = (rest & np.uint64(_MORE - 1)).astype(np.uint8) | has_more * np.uint8(_MORE)
    return groups[is_used].tobytes()


def _map_order(entry: tuple[str, bytes]) -> bytes:
    """The order of `SerializeToString(deterministic=True)`: by key, but `ab` before its beginning `a`."""
    return entry[0].encode() + _AFTER_UTF8


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + _with_length(content)


def _packed(content: bytes) -> bytes:
    """A packed list; an empty one is not written."""
    return _field(_FIRST_FIELD, content) if content else b""


def _with_length(content: bytes) -> bytes:
    length = len(content)
    prefix = bytearray()
    while length >= _MORE:
        prefix.append(length & (_MORE - 1) | _MORE)
        length >>= _VARINT_BITS
    prefix.append(length)
    return bytes(prefix) + content
