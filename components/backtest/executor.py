"""The TFX side of the backtest: bars in, results and a page for people out."""

from __future__ import annotations

import json
import logging
import pathlib
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components import contract
from components.backtest import entries, folds, results, walk
from components.backtest.config import BacktestConfig, BacktestSettings
from components.backtest.measuring import make_figures
from components.errors import ConfigError
from components.ingest.bars import ValidationConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.executor import check_fingerprint
from components.ingest.panel import read_panel
from components.ingest.source_config import SourceConfig
from components.report.page import make_page
from components.train.config import ModelConfig, TrainConfig
from components.transform.market_config import MarketConfig

SETTINGS_KEY = "settings"
RESULTS_KEY = "results"
REPORT_KEY = "report"
FIGURES_FILE = "figures.json"

_LOG = logging.getLogger(__name__)
Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Walks forward through the bars and leaves results, figures and the page."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the backtest; see BaseExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = read_settings(exec_properties)
        check_fingerprint(settings.source, exec_properties[contract.FINGERPRINT_PROPERTY])
        bars = read_panel(settings.source, settings.validation, settings.chunks.last_day).bars
        rolling = folds.make_folds(bars, settings.backtest)
        folder = pathlib.Path(artifact_utils.get_single_uri(output_dict[RESULTS_KEY]))
        origin = entries.describe_origin(settings)
        walk.claim_folder(folder, origin)
        for part in walk.walk(bars, rolling, entries.choose_entries(settings), folder):
            _LOG.info("backtest: %s of fold %s, seed %s", part.model, part.fold, part.seed)
        table = results.read_results(folder)
        figures = make_figures(table)
        (folder / FIGURES_FILE).write_text(json.dumps(figures.to_json()) + "\n", encoding="utf-8")
        artifact_utils.get_single_instance(output_dict[REPORT_KEY]).write(make_page(table, figures, origin))


def read_settings(properties: Mapping[str, Any]) -> BacktestSettings:
    """Reads the component's execution properties: settings as JSON, and beside them what changes per run.

    Raises:
      ConfigError: what this run was given is wrong.
    """
    given = json.loads(properties[SETTINGS_KEY])
    backtest: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given["backtest"].items()
    }
    try:
        return BacktestSettings(
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
            BacktestConfig(**backtest),
            MarketConfig(**given["market"]),
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
