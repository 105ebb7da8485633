"""The wiring of the pipeline that forecasts a universe: bars and the pushed model in, a table out."""

from __future__ import annotations

import dataclasses
import os

from tfx.dsl.components.base import base_beam_component
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration import pipeline

from components.champion.component import ChampionResolver
from components.infer.inferrer import NODE_ID, ChampionInferrer
from components.infer.latest_component import LatestBarsGen
from components.infer.writer import ForecastWriter
from components.ingest.component import BarsExampleGen
from pipeline.config import PipelineConfig
from pipeline.dag import connect_sqlite

NAME_SUFFIX = "-forecasts"


def create_pipeline(config: PipelineConfig, destination: str) -> pipeline.Pipeline:
    """Wires the components of a run on this machine.

    Args:
      config: everything the run depends on.
      destination: file of the forecasts.
    Raises:
      InputError: the bars cannot be found or read.
    """
    os.makedirs(config.paths.run_root, exist_ok=True)
    return pipeline.Pipeline(
        pipeline_name=f"{config.name}{NAME_SUFFIX}",
        pipeline_root=os.path.abspath(config.paths.pipeline_root),
        components=create_components(config, destination),
        enable_cache=True,
        metadata_connection_config=connect_sqlite(config.paths.metadata),
    )


def create_components(config: PipelineConfig, destination: str) -> list[BaseComponent]:
    """Makes and wires the components, each after those it takes from."""
    model_base_path = os.path.abspath(config.paths.model_base_path)
    # Sectors slice the evaluation only; who is in which changes no forecast.
    source = dataclasses.replace(config.source, metadata_path="")
    latest = LatestBarsGen(source, config.validation, config.chunks.as_of, BarsExampleGen.fingerprint(source))
    champion = ChampionResolver(model_base_path, ChampionResolver.find_version(model_base_path))
    inferrer = ChampionInferrer(latest.outputs["examples"], champion.outputs["champion"]).with_id(NODE_ID)
    writer = ForecastWriter(inferrer.outputs["inference_result"], os.path.abspath(destination))
    wired: list[BaseComponent] = [latest, champion, inferrer, writer]
    for component in wired:
        if isinstance(component, base_beam_component.BaseBeamComponent):
            component.with_beam_pipeline_args(config.beam.arguments_of(component.id))
    return wired
