"""Runs the strict validator on examples of one split; imports TensorFlow and TFX."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import tensorflow as tf
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils
from tfx import types
from tfx.types import standard_artifacts
from tfx.utils import io_utils
from tfx_bsl.tfxio import tf_example_record

from components.ingest import validator
from components.ingest.examples import encode_chunk
from tests.components.ingest.record_files import write_records
from tests.components.ingest.shipped import DATA_FOLDER

__all__ = [
    "encode_chunk",
    "make_component",
    "read_feature_spec",
    "read_schema",
    "read_type_specs",
    "tf",
    "validate",
]

SCHEMA_PATH = DATA_FOLDER.parents[1] / "components" / "ingest" / "schema.pbtxt"
SPLIT = "train"


def read_schema() -> schema_pb2.Schema:
    """Reads the schema of the repository."""
    return text_format.Parse(SCHEMA_PATH.read_text(), schema_pb2.Schema())


def read_feature_spec() -> dict[str, Any]:
    """Returns what tf.io.parse_example needs, as tensorflow-transform derives it."""
    return schema_utils.schema_as_feature_spec(read_schema()).feature_spec


def read_type_specs(records: list[bytes], folder: pathlib.Path) -> dict[str, Any]:
    """Returns the type of each tensor that tensorflow-transform reads from the records."""
    path = str(folder / "records.gz")
    write_records(path, records)
    return tf_example_record.TFExampleRecord(path, schema=read_schema()).TensorAdapter().TypeSpecs()


def validate(folder: pathlib.Path, records: list[bytes]) -> types.Artifact:
    """Runs the validator's executor on the records' statistics and returns the anomalies artifact."""
    path = str(folder / "records.gz")
    write_records(path, records)
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri, statistics.split_names = str(folder / "statistics"), json.dumps([SPLIT])
    found = tfdv.generate_statistics_from_tfrecord(path)
    (folder / "statistics" / f"Split-{SPLIT}").mkdir(parents=True)
    stats_path = folder / "statistics" / f"Split-{SPLIT}" / "FeatureStats.pb"
    io_utils.write_bytes_file(str(stats_path), found.SerializeToString())

    schema = standard_artifacts.Schema()
    schema.uri = str(folder / "schema")
    (folder / "schema").mkdir()
    (folder / "schema" / SCHEMA_PATH.name).write_text(SCHEMA_PATH.read_text())

    anomalies = standard_artifacts.ExampleAnomalies()
    anomalies.uri = str(folder / "anomalies")
    inputs = {"statistics": [statistics], "schema": [schema]}
    validator.Executor().Do(inputs, {"anomalies": [anomalies]}, {"exclude_splits": "[]"})
    return anomalies


def make_component() -> validator.StrictExampleValidator:
    """Makes the component as a pipeline does."""
    return validator.StrictExampleValidator(
        statistics=types.Channel(type=standard_artifacts.ExampleStatistics),
        schema=types.Channel(type=standard_artifacts.Schema),
    )
