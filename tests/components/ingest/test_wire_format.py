"""Wire bytes and record files, held against TensorFlow's own classes."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from components.ingest import examples, wire_format
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import Chunk, ChunkConfig, cut_chunks
from components.ingest.panel import read_panel
from components.ingest.tfrecords import frame_record
from tests.components.ingest.record_files import write_records
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE


def test_varints_worked_by_hand() -> None:
    values = np.array([0, 1, 127, 128, 300])
    assert wire_format.encode_varints(values) == bytes([0, 1, 127, 0x80, 1, 0xAC, 2])
    assert wire_format.encode_varints(np.array([-1])) == b"\xff" * 9 + b"\x01"
    assert wire_format.encode_varints(np.array([], np.int64)) == b""


def test_a_record_of_which_tensorflow_s_bytes_are_known() -> None:
    length, checksums = "0a00000000000000", ("aea3bf3a", "5e33876f")
    expected = length + checksums[0] + b"marketcast".hex() + checksums[1]
    assert frame_record(b"marketcast").hex() == expected


def _slow_encode(chunk: Chunk) -> bytes:
    """The same by TensorFlow's class, value by value."""
    import tensorflow as tf

    example = tf.train.Example()
    feature = example.features.feature
    feature["ticker"].bytes_list.value.append(chunk.bars.ticker.encode())
    feature["sector"].bytes_list.value.append(chunk.bars.sector.encode())
    feature["date"].int64_list.value.extend(chunk.bars.dates.tolist())
    for name in ("open", "high", "low", "close", "adj_close", "volume"):
        feature[name].float_list.value.extend(getattr(chunk.bars, name).tolist())
    feature["label"].float_list.value.extend(chunk.label.reshape(-1).tolist())
    feature["label_mask"].float_list.value.extend(chunk.label_mask.reshape(-1).tolist())
    return bytes(example.SerializeToString(deterministic=True))


@pytest.mark.tf
@pytest.mark.parametrize("chunks", [SHIPPED_CHUNKS, ChunkConfig(chunk_days=1)], ids=["shipped", "one day"])
def test_chunks_are_tensorflow_s_bytes(chunks: ChunkConfig) -> None:
    panel = read_panel(SHIPPED_SOURCE, ValidationConfig())
    cut = [chunk for bars in panel.bars.values() for chunk in cut_chunks(bars, chunks)][:400]
    assert [examples.encode_chunk(chunk) for chunk in cut] == [_slow_encode(chunk) for chunk in cut]


@pytest.mark.tf
def test_days_before_1970_names_beyond_ascii_and_no_values() -> None:
    import tensorflow as tf

    days = np.array([-25_567, -1, 0, 127, 128, 16_383, 16_384, 2**40])
    floats = np.array([0.1, -0.0, np.inf, 1e-46, np.nan])
    encoded = wire_format.encode_example(
        {
            "é": wire_format.text_feature("Ω"),
            "b": wire_format.int64_feature(days),
            "a": wire_format.float_feature(floats),
            "none": wire_format.float_feature(np.zeros(0)),
            "no days": wire_format.int64_feature(np.zeros(0, np.int64)),
            "": wire_format.text_feature(""),
        }
    )
    example = tf.train.Example.FromString(encoded)
    assert example.SerializeToString(deterministic=True) == encoded
    assert example.features.feature["b"].int64_list.value == days.tolist()
    np.testing.assert_array_equal(example.features.feature["a"].float_list.value, floats.astype(np.float32))


@pytest.mark.tf
def test_tensorflow_reads_the_records_and_writes_the_same(tmp_path: pathlib.Path) -> None:
    import gzip

    import tensorflow as tf

    records = [b"", b"one", np.random.default_rng(1).bytes(300_000)]
    write_records(str(tmp_path / "ours"), records)
    read = tf.data.TFRecordDataset(str(tmp_path / "ours"), compression_type="GZIP").as_numpy_iterator()
    assert list(read) == records
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for record in records:
            writer.write(record)
    assert gzip.decompress((tmp_path / "ours").read_bytes()) == (tmp_path / "theirs").read_bytes()
