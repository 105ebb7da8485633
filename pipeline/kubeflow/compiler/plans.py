"""The pipelines that can be compiled: their steps, and what a run of them can be given."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from tfx.dsl.components.base.base_component import BaseComponent

from components import contract
from pipeline import backtest_dag, dag, forecast_dag, published_dag
from pipeline.config import PipelineConfig

FORECASTS_FILE = "forecasts.parquet"


@dataclasses.dataclass(frozen=True)
class Plan:
    """One pipeline.

    Attributes:
      suffix: of its name.
      steps: names of its components.
      optional_steps: of those that only some configurations have.
      defaults: config -> parameter of the pipeline -> its value where a run gives none.
      create: config and what stands for the parameters until the run starts -> the wired components.
    """

    suffix: str
    steps: tuple[str, ...]
    defaults: Callable[[PipelineConfig], dict[str, Any]]
    create: Callable[[PipelineConfig, dag.Parameters], list[BaseComponent]]
    optional_steps: tuple[str, ...] = ()


def _training_defaults(config: PipelineConfig) -> dict[str, Any]:
    return {
        contract.DATA_PARAMETER: config.source.path,
        contract.METADATA_PARAMETER: config.source.metadata_path,
        contract.AS_OF_PARAMETER: config.chunks.as_of,
        contract.KNOWN_ON_PARAMETER: config.source.known_on,
        contract.TRAIN_STEPS_PARAMETER: config.train.steps,
        contract.SEED_PARAMETER: config.train.seed,
        contract.PUSH_DESTINATION_PARAMETER: config.paths.model_base_path,
        contract.CHAMPION_LOCATION_PARAMETER: config.paths.model_base_path,
    }


def _forecast_defaults(config: PipelineConfig) -> dict[str, Any]:
    """The file lies beside the folder of the models, on the same volume."""
    volume = os.path.dirname(config.paths.model_base_path)
    return {
        contract.DATA_PARAMETER: config.source.path,
        contract.AS_OF_PARAMETER: config.chunks.as_of,
        contract.KNOWN_ON_PARAMETER: config.source.known_on,
        contract.CHAMPION_LOCATION_PARAMETER: config.paths.model_base_path,
        contract.FORECASTS_DESTINATION_PARAMETER: os.path.join(volume, FORECASTS_FILE),
    }


def _backtest_defaults(config: PipelineConfig) -> dict[str, Any]:
    return {
        contract.DATA_PARAMETER: config.source.path,
        contract.METADATA_PARAMETER: config.source.metadata_path,
        contract.AS_OF_PARAMETER: config.chunks.as_of,
        contract.KNOWN_ON_PARAMETER: config.source.known_on,
    }


TRAINING = Plan(
    suffix="",
    steps=(
        "BarsExampleGen",
        "StatisticsGen",
        "SchemaGen",
        "ExampleValidator",
        "Transform",
        "Trainer",
        "LeakageAudit",
        "ChampionResolver",
        "Evaluator",
        "Rehearsal",
        "Pusher",
    ),
    defaults=_training_defaults,
    create=published_dag.create_components,
    optional_steps=("Tuner", "RunPublisher"),
)
FORECASTS = Plan(
    suffix=forecast_dag.NAME_SUFFIX,
    steps=("LatestBarsGen", "ChampionResolver", "BulkInferrer", "ForecastWriter"),
    defaults=_forecast_defaults,
    create=forecast_dag.create_components,
)
BACKTEST = Plan(
    suffix=backtest_dag.NAME_SUFFIX,
    steps=("Backtest",),
    defaults=_backtest_defaults,
    create=backtest_dag.create_components,
)
PLANS = {"training": TRAINING, "forecasts": FORECASTS, "backtest": BACKTEST}
"""What `marketcast compile --pipeline` takes."""
