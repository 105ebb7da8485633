"""The TFX side of a push: blessings and figures in, a published version and its note out."""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.components.pusher import executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from components.evaluate.gate import GateConfig
from components.push import publish, record

EVALUATION_KEY = standard_component_specs.EVALUATION_KEY
GATE_KEY = "gate"

Artifacts = dict[str, list[types.Artifact]]


class Executor(executor.Executor):
    """Checks the blessings and marks the result as tfx's Pusher does; publishes atomically."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Publishes the model if both blessings are given; see tfx's Executor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        note = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(note)
            return
        base = exec_properties[standard_component_specs.PUSH_DESTINATION_KEY]
        additions = _describe_evaluation(input_dict, exec_properties)
        published = publish.publish(self.GetModelPath(input_dict), base, additions)
        io_utils.copy_dir(published.path, note.uri)
        self._MarkPushed(note, published.path, str(published.version))


def _describe_evaluation(input_dict: Artifacts, exec_properties: dict[str, Any]) -> dict[str, Any]:
    """What the record is to say of the evaluation; nothing where the pipeline has none."""
    if not input_dict.get(EVALUATION_KEY):
        return {}
    gate = GateConfig(**json.loads(exec_properties[GATE_KEY]))
    return record.describe_evaluation(artifact_utils.get_single_uri(input_dict[EVALUATION_KEY]), gate)
