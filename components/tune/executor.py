"""The TFX side of the search: bars in, the best parameters out."""

from __future__ import annotations

import json
import pathlib
import tempfile
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs

from components import contract
from components.errors import ConfigError
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.panel import read_panel
from components.ingest.source_config import SourceConfig
from components.train.config import ModelConfig, TrainConfig
from components.transform.market_config import MarketConfig
from components.tune import search
from components.tune.config import TuneConfig, TuneSettings
from components.tune.objective import make_objective

SETTINGS_KEY = "settings"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Searches on the days before the test days."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the search; see BaseExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = read_settings(exec_properties)
        bars = read_panel(settings.source, settings.validation, settings.chunks.last_day).bars
        objective = make_objective(bars, settings)
        key = standard_component_specs.BEST_HYPERPARAMETERS_KEY
        with tempfile.TemporaryDirectory() as scratch:
            found = search.search(objective, settings.tune, pathlib.Path(scratch))
        search.write_hyperparameters(found, pathlib.Path(artifact_utils.get_single_uri(output_dict[key])))


def read_settings(properties: Mapping[str, Any]) -> TuneSettings:
    """Reads the component's execution properties: settings as JSON, and beside them what changes per run.

    Raises:
      ConfigError: what this run was given is wrong.
    """
    given = json.loads(properties[SETTINGS_KEY])
    try:
        return TuneSettings(
            SourceConfig.from_properties(
                given["source"],
                properties[contract.DATA_PARAMETER],
                properties[contract.METADATA_PARAMETER],
                properties[contract.KNOWN_ON_PARAMETER],
            ),
            ValidationConfig(**given["validation"]),
            ChunkConfig(**given["chunks"] | {"as_of": properties[contract.AS_OF_PARAMETER]}),
            ModelConfig(**given["model"]),
            TrainConfig(**given["train"]),
            TuneConfig(**given["tune"]),
            MarketConfig(**given["market"]),
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
