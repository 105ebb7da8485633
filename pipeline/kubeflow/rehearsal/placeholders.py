"""Fills in what a container's command asks KFP for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.kubeflow.bridge.locations import Twins
from pipeline.kubeflow.rehearsal.parameters import to_text

EXECUTOR_INPUT = "{{$}}"
_PLACEHOLDER = re.compile(
    r"\{\{\$\.(?:(inputs|outputs)\.artifacts\['([^']+)'\]\.(uri|path)"
    r"|(inputs)\.parameters\['([^']+)'\]"
    r"|(outputs)\.parameters\['([^']+)'\]\.output_file)\}\}"
)


def fill_command(
    container: Mapping[str, Any],
    executor_input: Mapping[str, Any],
    locate: Callable[[str], str] = str,
) -> list[str]:
    """Command and arguments of a container, with what they ask for in them.

    What the launcher does not know it leaves as it stands.

    Args:
      container: PipelineContainerSpec.
      executor_input: of the task.
      locate: where a path of the container is for who runs the command.
    Source: getPlaceholders in KFP's backend/src/v2/component/launcher_v2.go.
    """
    text = json.dumps(executor_input)
    fill = _filler(executor_input, locate)
    words = (*container.get("command", []), *container.get("args", []))
    # One pass each: what is filled in is not searched again.
    return [text.join(_PLACEHOLDER.sub(fill, part) for part in word.split(EXECUTOR_INPUT)) for word in words]


def _filler(
    executor_input: Mapping[str, Any], locate: Callable[[str], str]
) -> Callable[[re.Match[str]], str]:
    def fill(match: re.Match[str]) -> str:
        side, artifact, field, _, given, _, left = match.groups()
        try:
            if artifact:
                uri = executor_input[side]["artifacts"][artifact]["artifacts"][0]["uri"]
                return locate(Twins().to_local(uri)) if field == "path" else str(uri)
            if given:
                return to_text(executor_input["inputs"]["parameterValues"][given])
            return str(executor_input["outputs"]["parameters"][left]["outputFile"])
        except LookupError:
            return match[0]

    return fill
