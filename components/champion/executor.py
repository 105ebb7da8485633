"""The TFX side of the champion: a version's name in, a copy of it or an absent model out."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components import contract
from components.champion.champion import NO_CHAMPION, copy_champion

CHAMPION_KEY = "champion"
VERSION_KEY = "champion_version"

Artifacts = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Copies the champion into its output, or marks the output as absent."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Copies the champion; see BaseExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        champion = artifact_utils.get_single_instance(output_dict[CHAMPION_KEY])
        fileio.makedirs(champion.uri)
        version = copy_champion(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY],
            exec_properties[VERSION_KEY],
            path_utils.serving_model_dir(champion.uri),
        )
        champion.set_string_custom_property(VERSION_KEY, version)
        champion.set_int_custom_property(contract.ABSENT_PROPERTY, int(version == NO_CHAMPION))
