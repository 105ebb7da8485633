"""The real pipeline up to Transform, and models on top of it; imports TensorFlow and TFX."""

from __future__ import annotations

import dataclasses
import pathlib

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.orchestration import pipeline

from components import contract
from components.train import model
from components.train.config import ModelConfig
from components.train.signatures import Forecaster
from components.transform import features as causal
from components.transform.market_config import ALONE, MarketConfig
from pipeline import dag, local_runner
from pipeline.config import load_config

LAST_NODE = "Transform"
VERSION = "a-test"


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What the Trainer is given: globs of the chunk files by split, and the Transform graph."""

    splits: dict[str, str]
    transform: tft.TFTransformOutput

    def read(self, split: str) -> list[tf.train.Example]:
        """The chunk examples of a split."""
        paths = sorted(tf.io.gfile.glob(self.splits[split]))
        records = tf.data.TFRecordDataset(paths, compression_type="GZIP").as_numpy_iterator()
        return [tf.train.Example.FromString(record) for record in records]


def prepare(folder: pathlib.Path, bars_file: pathlib.Path, *overrides: str) -> Prepared:
    """Runs the components from BarsExampleGen to Transform, wired as in a run, in `folder`."""
    config = load_config(overrides=[f"source.path={bars_file}", f"paths.run_root={folder}", *overrides])
    components = dag.create_components(config)
    names = [component.id for component in components]
    results: dict[str, local_runner.NodeResult] = {}
    whole = pipeline.Pipeline(
        pipeline_name="prepare",
        pipeline_root=str(folder / "pipeline"),
        components=components[: names.index(LAST_NODE) + 1],
        metadata_connection_config=dag.connect_sqlite(str(folder / "metadata.sqlite")),
        beam_pipeline_args=list(config.beam.pipeline_args),
    )
    local_runner.LocalRunner(lambda _: None, lambda result: results.update({result.node_id: result})).run(
        whole
    )
    examples = results["BarsExampleGen"].outputs["examples"][0].uri
    graph = results[LAST_NODE].outputs["transform_graph"][0].uri
    return Prepared(
        {split: f"{examples}/Split-{split}/*" for split in contract.SPLITS}, tft.TFTransformOutput(graph)
    )


def build_opinionated_network(num_features: int = causal.NUM_FEATURES) -> keras.Model:
    """A network that was not trained but has something to say: random corrections, seeded."""
    keras.utils.set_random_seed(11)
    network = model.build_network(ModelConfig(), num_features)
    kernel = network.get_layer(model.CORRECTIONS_LAYER).kernel
    kernel.assign(np.random.default_rng(11).normal(0.0, 1.0, kernel.shape))
    return network


def save_and_load(
    network: keras.Model, prepared: Prepared, folder: pathlib.Path, market: MarketConfig = ALONE
):
    """The signatures of the SavedModel of a network, as a server would call them."""
    Forecaster(network, prepared.transform, VERSION, market).save(str(folder))
    return tf.saved_model.load(str(folder)).signatures


def stack_bars(example: tf.train.Example, stop: int, length: int) -> dict[str, tf.Tensor]:
    """A forecast request of the `length` bars of a chunk before position `stop`."""
    values = {name: example.features.feature[name].float_list.value for name in contract.BAR_COLUMNS}
    bars = {name: tf.constant([column[stop - length : stop]]) for name, column in values.items()}
    ticker = example.features.feature[contract.TICKER].bytes_list.value[0]
    return {contract.TICKER: tf.constant([ticker]), **bars}
