"""The pipeline of one step that backtests on a cluster; on this machine `marketcast backtest` does."""

from __future__ import annotations

from tfx.dsl.components.base.base_component import BaseComponent

from components import contract
from components.backtest.component import Backtest
from pipeline.config import PipelineConfig
from pipeline.dag import Parameters, choose

NAME_SUFFIX = "-backtest"


def create_components(config: PipelineConfig, parameters: Parameters) -> list[BaseComponent]:
    """Makes the step; of the parameters it takes the bars, the sectors and the last day."""
    changing = choose(
        parameters, contract.DATA_PARAMETER, contract.METADATA_PARAMETER, contract.AS_OF_PARAMETER
    )
    return [Backtest(config.backtest_settings, parameters=changing)]
