"""Backtest: raw bars in, forecasts of every model beside what came true and a page for people out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import component_spec, standard_artifacts

from components import contract
from components.backtest import executor
from components.backtest.config import BacktestSettings


class BacktestResults(types.Artifact):
    """Folder as `marketcast backtest` leaves it, and executor.FIGURES_FILE."""

    TYPE_NAME = "marketcast.BacktestResults"


class HtmlPage(standard_artifacts.String):
    """One HTML file. KFP's UI shows artifacts of a type with this name."""

    TYPE_NAME = "system.HTML"


class BacktestSpec(types.ComponentSpec):
    """Parameters and outputs of Backtest."""

    PARAMETERS: ClassVar = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        contract.DATA_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.METADATA_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.AS_OF_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.KNOWN_ON_PARAMETER: component_spec.ExecutionParameter(type=str),
        contract.FINGERPRINT_PROPERTY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar = {
        executor.RESULTS_KEY: component_spec.ChannelParameter(type=BacktestResults),
        executor.REPORT_KEY: component_spec.ChannelParameter(type=HtmlPage),
    }


class Backtest(base_component.BaseComponent):
    """Walks forward through the bars: every model fitted anew in each fold, every day forecast.

    Outputs: `results` (BacktestResults) and `report` (HtmlPage, what `marketcast report` makes).
    """

    SPEC_CLASS = BacktestSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        settings: BacktestSettings,
        input_fingerprint: str = "",
        parameters: Mapping[str, data_types.RuntimeParameter] | None = None,
    ) -> None:
        """Makes the component.

        Args:
          settings: all that a backtest goes by.
          input_fingerprint: see BarsExampleGen.
          parameters: what is known only when the run starts: DATA_PARAMETER, METADATA_PARAMETER,
            AS_OF_PARAMETER, KNOWN_ON_PARAMETER.
        """
        changing = {
            contract.DATA_PARAMETER: settings.source.path,
            contract.METADATA_PARAMETER: settings.source.metadata_path,
            contract.AS_OF_PARAMETER: settings.chunks.as_of,
            contract.KNOWN_ON_PARAMETER: settings.source.known_on,
        }
        spec = BacktestSpec(
            **{
                **changing,
                **(parameters or {}),
                executor.SETTINGS_KEY: json.dumps(dataclasses.asdict(settings), sort_keys=True),
                contract.FINGERPRINT_PROPERTY: input_fingerprint,
                executor.RESULTS_KEY: types.Channel(type=BacktestResults),
                executor.REPORT_KEY: types.Channel(type=HtmlPage),
            }
        )
        super().__init__(spec=spec)
