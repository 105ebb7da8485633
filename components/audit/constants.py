"""What Transform learnt, learnt again from the train split alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.tf_metadata import metadata_io
from tfx_bsl.tfxio import tf_example_record

from components.transform import preprocessing

TOLERANCE = 1e-3
"""Of tft.quantiles, which looks at the rows in another order; see preprocessing.QUANTILE_EPSILON."""
TELEMETRY = ["marketcast", "LeakageAudit"]


def learn_transform(
    file_patterns: Sequence[str],
    given: tft.TFTransformOutput,
    folder: str,
    make_pipeline: Callable[[], beam.Pipeline],
) -> None:
    """Analyses chunk examples anew.

    Args:
      file_patterns: globs of gzipped TFRecord files.
      given: the Transform component's output; says how examples are parsed.
      folder: gets the graph, as tft.TFTransformOutput reads it; must not exist.
      make_pipeline: starts a Beam pipeline.
    """
    source = tf_example_record.TFExampleRecord(
        file_pattern=list(file_patterns),
        schema=given.raw_metadata.schema,
        telemetry_descriptors=TELEMETRY,
    )
    with (
        tempfile.TemporaryDirectory() as scratch,
        make_pipeline() as pipeline,
        tft_beam.Context(temp_dir=scratch),
    ):
        raw = pipeline | "Read" >> source.BeamSource()
        learnt = (raw, source.TensorAdapterConfig()) | "Analyse" >> tft_beam.AnalyzeDataset(
            preprocessing.preprocessing_fn
        )
        _ = learnt | "Write" >> tft_beam.WriteTransformFn(folder)
    # What parses the examples is a part of the graph's folder that the analysis does not write.
    metadata_io.write_metadata(
        given.raw_metadata, os.path.join(folder, tft.TFTransformOutput.RAW_METADATA_DIR)
    )


def compare_graphs(
    given: tft.TFTransformOutput, relearnt: tft.TFTransformOutput, examples: Sequence[bytes]
) -> tuple[int, list[str]]:
    """Compares the outputs of two Transform graphs for the same examples.

    Returns:
      How many values were compared, and a sentence for each output that differs.
    """
    problems = []
    count = 0
    ours, theirs = (_apply(graph, examples) for graph in (given, relearnt))
    for name in sorted(ours):
        if ours[name].shape != theirs[name].shape:
            problems.append(f"{name} must have {theirs[name].shape} values, got {ours[name].shape}")
            continue
        count += ours[name].size
        gap = np.abs(ours[name] - theirs[name]) / (1.0 + np.abs(theirs[name]))
        if np.max(gap, initial=0.0) > TOLERANCE:
            problems.append(
                f"{name} must come from constants learnt on train, got values that differ by up to "
                f"{np.max(gap):.4f} from those; see what Transform analyses"
            )
    return count, problems


def _apply(graph: tft.TFTransformOutput, examples: Sequence[bytes]) -> dict[str, npt.NDArray[np.float32]]:
    parsed = tf.io.parse_example(tf.constant(list(examples)), graph.raw_feature_spec())
    outputs = graph.transform_features_layer()(parsed)
    return {
        name: np.asarray(value.flat_values if isinstance(value, tf.RaggedTensor) else value, np.float32)
        for name, value in outputs.items()
    }
