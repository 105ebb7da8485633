"""The pipeline of one step that backtests on a cluster; on this machine `marketcast backtest` does."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent

from components.backtest.component import Backtest
from pipeline.config import PipelineConfig
from pipeline.dag import BARS_PARAMETERS, Parameters, choose

NAME_SUFFIX = "-backtest"


def create_components(config: PipelineConfig, parameters: Parameters) -> list[BaseComponent]:
    """Makes the step; of the parameters it takes those that tell of the bars."""
    return [Backtest(config.backtest_settings, parameters=choose(parameters, *BARS_PARAMETERS))]
