"""The TFX side of publishing: what a run left in, rows of a database and a note of them out."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components import contract
from components.database import schema
from components.database.config import DatabaseConfig
from components.evaluate.gate import GateConfig
from components.publish import publishing

INGEST_KEY = "report"
CHAMPION_KEY = "champion"
EVALUATION_KEY = standard_component_specs.EVALUATION_KEY
PUSHED_KEY = standard_component_specs.PUSHED_MODEL_KEY
DATABASE_KEY = "database"
GATE_KEY = "gate"
PUBLISHED_KEY = "published_run"
PUBLISHED_FILE = "published_run.json"
PRODUCERS = {
    INGEST_KEY: "BarsExampleGen",
    standard_component_specs.EXAMPLES_KEY: "BarsExampleGen",
    standard_component_specs.MODEL_KEY: "Trainer",
    CHAMPION_KEY: "ChampionResolver",
    EVALUATION_KEY: "Evaluator",
    PUSHED_KEY: "Pusher",
}
"""What is read of a run -> the component that gives it under that key."""

_LOG = logging.getLogger(__name__)
Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Writes the run; does so again without harm."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the run; see BaseExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        database = DatabaseConfig(**json.loads(exec_properties[DATABASE_KEY]))
        schema.check_version(database)
        bounds = GateConfig(**json.loads(exec_properties[GATE_KEY]))
        note = artifact_utils.get_single_instance(output_dict[PUBLISHED_KEY])
        published = publishing.publish(database, read_run(input_dict), bounds, note.uri)
        _LOG.info("%s", published.describe())
        note.set_string_custom_property("run_id", published.run_id)
        with open(os.path.join(note.uri, PUBLISHED_FILE), "w", encoding="utf-8") as stream:
            json.dump(dataclasses.asdict(published), stream)


def read_run(artifacts: Mapping[str, Sequence[types.Artifact]]) -> publishing.EndedRun:
    """Finds what a run left among artifacts under the keys of PRODUCERS.

    A champion may be marked as absent, or missing.
    """
    single = {key: artifact_utils.get_single_instance(list(own)) for key, own in artifacts.items() if own}
    champion = single.get(CHAMPION_KEY)
    if champion is not None and champion.get_int_custom_property(contract.ABSENT_PROPERTY):
        champion = None
    return publishing.EndedRun(
        ingest=single[INGEST_KEY].uri,
        examples=single[standard_component_specs.EXAMPLES_KEY].uri,
        model_dir=path_utils.serving_model_path(single[standard_component_specs.MODEL_KEY].uri),
        champion_dir=path_utils.serving_model_dir(champion.uri) if champion is not None else "",
        evaluation=single[EVALUATION_KEY].uri,
        is_pushed=bool(single[PUSHED_KEY].get_int_custom_property("pushed")),
    )
