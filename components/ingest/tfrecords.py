"""Gzipped TFRecord files without TensorFlow: the same records give the same bytes on every engine.

Source: the format in tensorflow/core/lib/io/record_writer.h.
"""

from __future__ import annotations

import struct
import zlib
from typing import Protocol

import google_crc32c

GZIP_LEVEL = 6
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
"""Tells zlib to write gzip's header, with no time and no name in it."""
_MASK_DELTA = 0xA282EAD8


class ByteStream(Protocol):
    """What a writer writes to: a file, or what stands for one."""

    def write(self, data: bytes, /) -> object:
        """Appends bytes."""


class RecordWriter:
    """Writes records to a stream, compressed; `close` ends the gzip member, not the stream."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)

    def write(self, record: bytes) -> None:
        """Appends a record."""
        self._stream.write(self._compressor.compress(frame_record(record)))

    def close(self) -> None:
        """Writes what is still held back."""
        self._stream.write(self._compressor.flush())


def frame_record(record: bytes) -> bytes:
    """Returns a record with its length and the checksums of both."""
    length = struct.pack("<Q", len(record))
    return length + _checksum(length) + record + _checksum(record)


def _checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    rotated = ((crc >> 15) | (crc << 17)) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _MASK_DELTA) & 0xFFFFFFFF)
