"""The pipeline's wiring: which component feeds which. No constants, no branches on data."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.components import StatisticsGen, Trainer, Transform
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration import metadata, pipeline
from tfx.proto import trainer_pb2, transform_pb2

import components.ingest
from components import contract
from components.champion.component import ChampionResolver
from components.evaluate.component import GatedEvaluator
from components.ingest.component import BarsExampleGen
from components.ingest.validator import StrictExampleValidator
from components.push.component import AtomicPusher
from components.rehearse.component import Rehearsal
from components.train import run_fn
from components.transform import preprocessing
from pipeline.config import PipelineConfig

SCHEMA_FILE = str(pathlib.Path(components.ingest.__file__).with_name("schema.pbtxt"))


def create_pipeline(config: PipelineConfig) -> pipeline.Pipeline:
    """Wires the components of a run on this machine.

    Args:
      config: everything the run depends on.
    Raises:
      InputError: the bars cannot be found or read.
    """
    os.makedirs(config.paths.run_root, exist_ok=True)
    return pipeline.Pipeline(
        pipeline_name=config.name,
        pipeline_root=os.path.abspath(config.paths.pipeline_root),
        components=create_components(
            config,
            input_fingerprint=BarsExampleGen.fingerprint(config.source),
            champion_version=ChampionResolver.find_version(config.paths.model_base_path),
        ),
        enable_cache=True,
        metadata_connection_config=connect_sqlite(config.paths.metadata),
        beam_pipeline_args=list(config.beam.pipeline_args),
    )


def create_components(
    config: PipelineConfig, input_fingerprint: str = "", champion_version: str = ""
) -> list[BaseComponent]:
    """Makes and wires the components, wherever they are going to run.

    Args:
      config: everything the run depends on.
      input_fingerprint: of the bars, where the caller can read them; the cache goes by it.
      champion_version: of the model in service, likewise.
    Returns:
      The components, each after those it takes from.
    """
    ingest = BarsExampleGen(config.source, config.validation, config.chunks, input_fingerprint)
    examples = ingest.outputs["examples"]
    statistics = StatisticsGen(examples=examples)
    schema_gen = ImportSchemaGen(schema_file=SCHEMA_FILE).with_id("SchemaGen")
    schema = schema_gen.outputs["schema"]
    validator = StrictExampleValidator(statistics=statistics.outputs["statistics"], schema=schema)
    transform = _create_transform(examples, schema)
    transform.add_upstream_node(validator)
    trainer = _create_trainer(config, examples, schema, transform.outputs["transform_graph"])
    model = trainer.outputs["model"]
    champion = ChampionResolver(os.path.abspath(config.paths.model_base_path), champion_version)
    evaluator = GatedEvaluator(examples, model, champion.outputs["champion"], schema, config.gate).with_id(
        "Evaluator"
    )
    rehearsal = Rehearsal(model, config.rehearsal)
    pusher = AtomicPusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=rehearsal.outputs["infra_blessing"],
        push_destination=os.path.abspath(config.paths.model_base_path),
        evaluation=evaluator.outputs["evaluation"],
        gate=config.gate,
    )
    return [
        ingest, statistics, schema_gen, validator, transform, trainer, champion, evaluator, rehearsal, pusher
    ]  # fmt: skip


def _create_transform(examples: types.BaseChannel, schema: types.BaseChannel) -> Transform:
    """Transform learns on `train`; features are computed again where they are read, never stored."""
    return Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn=_dotted(preprocessing.preprocessing_fn),
        splits_config=transform_pb2.SplitsConfig(
            analyze=[contract.TRAIN_SPLIT], transform=[contract.TRAIN_SPLIT]
        ),
        materialize=False,
    )


def _create_trainer(
    config: PipelineConfig,
    examples: types.BaseChannel,
    schema: types.BaseChannel,
    transform_graph: types.BaseChannel,
) -> Trainer:
    """The Trainer takes its configs as JSON, so that the cache sees each of their values."""
    return Trainer(
        run_fn=_dotted(run_fn.run_fn),
        examples=examples,
        schema=schema,
        transform_graph=transform_graph,
        train_args=trainer_pb2.TrainArgs(splits=[contract.TRAIN_SPLIT], num_steps=config.train.steps),
        eval_args=trainer_pb2.EvalArgs(splits=[contract.EVAL_SPLIT]),
        custom_config={
            run_fn.MODEL_CONFIG: json.dumps(dataclasses.asdict(config.model), sort_keys=True),
            run_fn.TRAIN_CONFIG: json.dumps(dataclasses.asdict(config.train), sort_keys=True),
        },
    )


def _dotted(function: Callable[..., Any]) -> str:
    """Where an installed function is imported from, as TFX wants it."""
    return f"{function.__module__}.{function.__name__}"


def connect_sqlite(path: str) -> metadata_store_pb2.ConnectionConfig:
    """A metadata store in a file of this machine."""
    return metadata.sqlite_metadata_connection_config(os.path.abspath(path))
