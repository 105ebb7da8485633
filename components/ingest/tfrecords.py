"""Gzipped TFRecord files without TensorFlow: the same records give the same bytes on every engine.

Source: the format in tensorflow/core/lib/io/record_writer.h.
"""

from __future__ import annotations

import contextlib
import gzip
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Protocol

import google_crc32c

GZIP_LEVEL = 6
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
"""Tells zlib to write gzip's header, with no time and no name in it."""
_MASK_DELTA = 0xA282EAD8
_LENGTH_BYTES = 8
_CHECKSUM_BYTES = 4
_HEAD_BYTES = _LENGTH_BYTES + _CHECKSUM_BYTES


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


@contextlib.contextmanager
def open_writers(
    paths: Mapping[str, str], create: Callable[[str], contextlib.AbstractContextManager[ByteStream]]
) -> Iterator[dict[str, RecordWriter]]:
    """Gives a writer for each file, and ends all of them if it comes to that.

    Args:
      paths: name of a writer -> its file.
      create: opens a new file for writing.
    """
    with contextlib.ExitStack() as streams:
        writers = {name: RecordWriter(streams.enter_context(create(path))) for name, path in paths.items()}
        yield writers
        for writer in writers.values():
            writer.close()


def read_records(stream: BinaryIO) -> Iterator[bytes]:
    """Reads what a RecordWriter wrote.

    Raises:
      ValueError: a record is not whole.
    """
    with gzip.open(stream) as records:
        while head := records.read(_HEAD_BYTES):
            (length,) = struct.unpack("<Q", head[:_LENGTH_BYTES])
            record = records.read(length)
            if head + record + records.read(_CHECKSUM_BYTES) != frame_record(record):
                raise ValueError("a record must have the checksum that it was written with, got another")
            yield record


def frame_record(record: bytes) -> bytes:
    """Returns a record with its length and the checksums of both."""
    length = struct.pack("<Q", len(record))
    return length + _checksum(length) + record + _checksum(record)


def _checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    rotated = ((crc >> 15) | (crc << 17)) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _MASK_DELTA) & 0xFFFFFFFF)
