"""The wiring of the pipeline that forecasts a universe: bars and the pushed model in, a table out."""

from __future__ import annotations

import os

from tfx.dsl.components.base import base_beam_component
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration import pipeline

from components import contract
from components.champion.component import ChampionResolver
from components.infer.inferrer import NODE_ID, ChampionInferrer
from components.infer.latest_component import LatestBarsGen
from components.infer.writer import ForecastWriter
from components.ingest.component import BarsExampleGen
from pipeline.config import PipelineConfig
from pipeline.dag import Parameters, choose, connect_sqlite

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
        components=create_components(
            config,
            input_fingerprint=BarsExampleGen.fingerprint(config.source.without_sectors()),
            champion_version=ChampionResolver.find_version(config.paths.model_base_path),
            destination=destination,
        ),
        enable_cache=True,
        metadata_connection_config=connect_sqlite(config.paths.metadata),
    )


def create_components(
    config: PipelineConfig,
    parameters: Parameters | None = None,
    input_fingerprint: str = "",
    champion_version: str = "",
    destination: str = "",
) -> list[BaseComponent]:
    """Makes and wires the components, wherever they are going to run.

    Args:
      config: everything the run depends on.
      parameters: see contract's *_PARAMETER; without one, the config's value is built in.
      input_fingerprint: of the bars, where the caller can read them; the cache goes by it.
      champion_version: of the model in service, likewise.
      destination: file of the forecasts, where it is no parameter.
    Returns:
      The components, each after those it takes from.
    """
    given = parameters or {}
    latest = LatestBarsGen(
        config.source.without_sectors(),
        config.validation,
        config.chunks.as_of,
        input_fingerprint,
        config.chunks.num_shards,
        choose(given, contract.DATA_PARAMETER, contract.AS_OF_PARAMETER, contract.KNOWN_ON_PARAMETER),
    ).with_market(config.market)
    champion = ChampionResolver(
        given.get(contract.CHAMPION_LOCATION_PARAMETER, os.path.abspath(config.paths.model_base_path)),
        champion_version,
    )
    inferrer = ChampionInferrer(latest.outputs["examples"], champion.outputs["champion"]).with_id(NODE_ID)
    writer = ForecastWriter(
        inferrer.outputs["inference_result"],
        given.get(contract.FORECASTS_DESTINATION_PARAMETER, os.path.abspath(destination)),
    )
    wired: list[BaseComponent] = [latest, champion, inferrer, writer]
    for component in wired:
        if isinstance(component, base_beam_component.BaseBeamComponent):
            component.with_beam_pipeline_args(config.beam.arguments_of(component.id))
    return wired
