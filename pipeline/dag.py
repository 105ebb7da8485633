"""The pipeline's wiring: which component feeds which. No constants, no branches on data."""

from __future__ import annotations

import os

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base import base_beam_component
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration import data_types, metadata, pipeline

from components import contract
from components.audit.component import LeakageAudit
from components.champion.component import ChampionResolver
from components.evaluate.component import GatedEvaluator
from components.ingest.component import BarsExampleGen
from components.ingest.schema_gen import PackagedSchemaGen
from components.ingest.statistics_gen import SplitStatisticsGen
from components.ingest.validator import StrictExampleValidator
from components.push.component import AtomicPusher
from components.rehearse.component import Rehearsal
from components.train.component import BarsTrainer
from components.transform.component import BarsTransform
from components.tune.component import Tuner
from pipeline.config import PipelineConfig

Parameters = dict[str, data_types.RuntimeParameter]
"""Name of what changes per run -> what stands for it until the run starts."""
BARS_PARAMETERS = (
    contract.DATA_PARAMETER,
    contract.METADATA_PARAMETER,
    contract.AS_OF_PARAMETER,
    contract.KNOWN_ON_PARAMETER,
)
"""Of a component that reads bars."""


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
    )


def create_components(
    config: PipelineConfig,
    parameters: Parameters | None = None,
    input_fingerprint: str = "",
    champion_version: str = "",
) -> list[BaseComponent]:
    """Makes and wires the components, wherever they are going to run.

    Args:
      config: everything the run depends on.
      parameters: see contract's *_PARAMETER; without one, the config's value is built in.
      input_fingerprint: of the bars, where the caller can read them; the cache goes by it.
      champion_version: of the model in service, likewise.
    Returns:
      The components, each after those it takes from.
    """
    given = parameters or {}
    model_base_path = os.path.abspath(config.paths.model_base_path)
    ingest = BarsExampleGen(
        config.source,
        config.validation,
        config.chunks,
        input_fingerprint,
        parameters=choose(given, *BARS_PARAMETERS),
    ).with_market(config.market)
    examples = ingest.outputs["examples"]
    statistics = SplitStatisticsGen(examples)
    schema_gen = PackagedSchemaGen()
    schema = schema_gen.outputs["schema"]
    validator = StrictExampleValidator(statistics=statistics.outputs["statistics"], schema=schema)
    transform = BarsTransform(examples, schema)
    transform.add_upstream_node(validator)
    tuner = _create_tuner(config, given, input_fingerprint) if config.tune.enabled else None
    trainer = BarsTrainer(
        examples,
        transform.outputs["transform_graph"],
        config.model,
        config.train,
        choose(given, contract.TRAIN_STEPS_PARAMETER, contract.SEED_PARAMETER),
        tuner.outputs["best_hyperparameters"] if tuner else None,
    ).with_market(config.market)
    model = trainer.outputs["model"]
    audit = LeakageAudit(examples, transform.outputs["transform_graph"], model, config.audit)
    champion = ChampionResolver(
        given.get(contract.CHAMPION_LOCATION_PARAMETER, model_base_path), champion_version
    )
    evaluator = GatedEvaluator(examples, model, champion.outputs["champion"], schema, config.gate).with_id(
        "Evaluator"
    )
    evaluator.add_upstream_node(audit)
    rehearsal = Rehearsal(model, config.rehearsal)
    pusher = AtomicPusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=rehearsal.outputs["infra_blessing"],
        push_destination=given.get(contract.PUSH_DESTINATION_PARAMETER, model_base_path),
        evaluation=evaluator.outputs["evaluation"],
        gate=config.gate,
    )
    wired = [
        ingest, statistics, schema_gen, validator, transform, *([tuner] if tuner else []), trainer, audit,
        champion, evaluator, rehearsal, pusher,
    ]  # fmt: skip
    for component in wired:
        if isinstance(component, base_beam_component.BaseBeamComponent):
            component.with_beam_pipeline_args(config.beam.arguments_of(component.id))
    return wired


def _create_tuner(config: PipelineConfig, given: Parameters, input_fingerprint: str) -> Tuner:
    """It reads the bars by itself: its folds are others than the splits."""
    return Tuner(config.tune_settings, input_fingerprint, choose(given, *BARS_PARAMETERS))


def choose(parameters: Parameters, *names: str) -> Parameters:
    """Those of the parameters that have one of these names."""
    return {name: parameters[name] for name in names if name in parameters}


def connect_sqlite(path: str) -> metadata_store_pb2.ConnectionConfig:
    """A metadata store in a file of this machine."""
    return metadata.sqlite_metadata_connection_config(os.path.abspath(path))
