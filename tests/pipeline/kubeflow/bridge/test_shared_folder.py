import json
import os
import pathlib

import pytest

from components.errors import ConfigError
from pipeline.kubeflow import entrypoint
from pipeline.kubeflow.bridge.locations import TWIN_ROOT_VARIABLE
from tests.beam_arguments import BEAM_ARGUMENTS
from tests.pipeline.kubeflow.bridge.launcher_inputs import RUN_URI, make_executor_input, make_input, make_spec

pytestmark = pytest.mark.tf

EXAMPLES_URI = f"{RUN_URI}/ingest/uuid/examples"
SPLITS = {"split_names": '["train"]', "payload_format": "FORMAT_TF_EXAMPLE", "file_format": "tfrecords_gzip"}


@pytest.fixture(name="twins")
def fixture_twins(tmp_path, monkeypatch):
    """Folder of the local twins; one input artifact with three examples is there."""
    import tensorflow as tf

    root = tmp_path / "twins"
    monkeypatch.setenv(TWIN_ROOT_VARIABLE, str(root))
    file = place(root, EXAMPLES_URI) / "Split-train" / "data.gz"
    file.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for number in (1.0, 2.0, 4.0):
            value = tf.train.Feature(float_list=tf.train.FloatList(value=[number]))
            writer.write(
                tf.train.Example(features=tf.train.Features(feature={"x": value})).SerializeToString()
            )
    return root


def place(root, uri):
    return root / uri.replace("minio://", "minio/")


def run_statistics(twins, *flags):
    """Runs StatisticsGen through the bridge; returns its output's twin and its output metadata."""
    given = make_executor_input(
        "stats",
        {"examples": make_input(EXAMPLES_URI, **SPLITS)},
        {"statistics": "tfx.ExampleStatistics"},
        {"exclude_splits": "[]"},
    )
    parsed = entrypoint.parse_flags(
        [
            "--executor_class_path=tfx.components.statistics_gen.executor.Executor",
            f"--json_serialized_invocation_args={json.dumps(given)}",
            f"--json_serialized_inputs_spec_args={make_spec({'examples': 'tfx.Examples'})}",
            *flags,
            *BEAM_ARGUMENTS,
        ]
    )
    entrypoint.run_task(*parsed)
    uri = given["outputs"]["artifacts"]["statistics"]["artifacts"][0]["uri"]
    output_file = pathlib.Path(str(twins) + given["outputs"]["outputFile"])
    return place(twins, uri), json.loads(output_file.read_text()), uri


def test_the_component_works_where_beam_s_workers_see_it(twins, tmp_path, monkeypatch):
    from pipeline.kubeflow.bridge import tfx_task

    seen = []
    run_component = tfx_task.run_component

    def watched(executor, executor_input, *others):
        seen.append(executor_input)
        return run_component(executor, executor_input, *others)

    monkeypatch.setattr(tfx_task, "run_component", watched)
    shared = tmp_path / "shared"
    twin, written, uri = run_statistics(twins, f"--shared_folder={shared}")
    inputs, outputs = (seen[0][side]["artifacts"] for side in ("inputs", "outputs"))
    for artifact in (inputs["examples"]["artifacts"][0], outputs["statistics"]["artifacts"][0]):
        assert artifact["uri"].startswith(f"{shared}/task-"), "Beam's workers see no other folder"
    assert (twin / "Split-train" / "FeatureStats.pb").is_file()
    assert written["artifacts"]["statistics"]["artifacts"][0]["uri"] == uri
    assert os.listdir(shared) == [], "what was copied there is taken away again"


def test_it_gives_what_the_twins_alone_give(twins, tmp_path):
    def read(twin):
        return (twin / "Split-train" / "FeatureStats.pb").read_bytes()

    shared_twin, shared_metadata, _ = run_statistics(twins, f"--shared_folder={tmp_path / 'shared'}")
    shared_bytes = read(shared_twin)
    own_twin, own_metadata, _ = run_statistics(twins)
    assert (read(own_twin), own_metadata) == (shared_bytes, shared_metadata)


def test_a_task_that_fails_leaves_nothing_in_the_shared_folder(twins, tmp_path):
    given = make_executor_input("schema", {}, {"schema": "tfx.Schema"}, {"schema_sha256": "another"})
    shared = tmp_path / "shared"
    parsed = entrypoint.parse_flags(
        [
            "--executor_class_path=components.ingest.schema_gen.SchemaExecutor",
            f"--json_serialized_invocation_args={json.dumps(given)}",
            f"--json_serialized_inputs_spec_args={make_spec({}, {'schema_sha256': 'STRING'})}",
            f"--shared_folder={shared}",
        ]
    )
    with pytest.raises(ConfigError, match=r"schema.pbtxt must have the sha256 another"):
        entrypoint.run_task(*parsed)
    assert os.listdir(shared) == []


def test_a_folder_in_gcs_is_a_folder_of_twins():
    from pipeline.kubeflow.bridge.locations import Twins

    twins = Twins("gs://bucket/shared/task-1")
    path = twins.to_local("minio://mlpipeline/a/b")
    assert path == "gs://bucket/shared/task-1/minio/mlpipeline/a/b"
    assert twins.to_uri(path) == "minio://mlpipeline/a/b"
    assert twins.restore(f"see {path}") == "see minio://mlpipeline/a/b"
