"""StatisticsGen over chunk examples: a split that is as it was in an earlier run is not counted again."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.components import StatisticsGen
from tfx.components.statistics_gen import executor as stock
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils

from components.ingest.shards import SPLIT_FOLDER
from components.reuse.executor import digest_input, list_properties, open_results
from components.reuse.keys import make_key

NODE_ID = "StatisticsGen"
_STEP = "SplitStatistics"


class SplitStatisticsExecutor(stock.Executor):
    """The stock executor for the splits of which no statistics are kept."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the statistics of some splits and makes those of the others; see tfx's StatisticsGen."""
        kept = open_results(exec_properties)
        if kept is None:
            super().Do(input_dict, output_dict, exec_properties)
            return
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        output = artifact_utils.get_single_instance(output_dict[standard_component_specs.STATISTICS_KEY])
        splits = artifact_utils.decode_split_names(artifact_utils.get_single_instance(examples).split_names)
        folders = {split: os.path.join(output.uri, SPLIT_FOLDER.format(split=split)) for split in splits}
        # Of all but the last: a new day changes that, and the stock executor refuses to run for none.
        keys = {
            split: make_key(
                properties=list_properties(exec_properties), examples=digest_input(examples, [split])
            )
            for split in splits[:-1]
        }
        found = [
            split for split in keys if kept.fetch(_STEP, keys[split], {split: folders[split]}) is not None
        ]
        excluded = {standard_component_specs.EXCLUDE_SPLITS_KEY: json_utils.dumps(found)}
        super().Do(input_dict, output_dict, {**exec_properties, **excluded})
        output.split_names = artifact_utils.encode_split_names(splits)
        rates = json_utils.dumps(dict.fromkeys(splits, 1.0))
        output.set_json_value_custom_property(stock.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, rates)
        for split in keys.keys() - set(found):
            kept.keep(_STEP, keys[split], {split: folders[split]}, {})


class SplitStatisticsGen(StatisticsGen):
    """Statistics of all splits, each by itself."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(SplitStatisticsExecutor)

    def __init__(self, examples: types.BaseChannel) -> None:
        """Makes the component.

        Args:
          examples: chunk examples.
        """
        super().__init__(examples=examples)
        self.with_id(NODE_ID)
