"""The only module that knows TFX's container code: runs its driver and its executor in this process."""

from __future__ import annotations

import argparse
import json
import os
import pathlib

from tfx.components.example_gen import base_example_gen_executor
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor
from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver
from tfx.types import standard_component_specs
from tfx.types.value_artifact import ValueArtifact
from tfx.utils import import_utils

from pipeline.kubeflow.bridge.artifact_places import Json
from pipeline.kubeflow.bridge.executor_output import add_driver_output


def is_value_type(type_title: str) -> bool:
    """Tells whether artifacts of a type are a value in a file; others are folders."""
    class_path = compiler_utils.TITLE_TO_CLASS_PATH.get(type_title, type_title)
    return issubclass(import_utils.import_class_by_path(class_path), ValueArtifact)


def run_component(
    executor_class_path: str, executor_input: Json, inputs_spec: str, beam_args: list[str]
) -> str:
    """Runs one component as TFX's own container entry point does, its driver included.

    Args:
      executor_class_path: import path of the executor's class.
      executor_input: the ExecutorInput that TFX takes.
      inputs_spec: JSON of the ComponentInputsSpec, or empty.
      beam_args: the remaining flags.
    Returns:
      JSON of the ExecutorOutput that TFX wrote.
    """
    output_file = pathlib.Path(executor_input["outputs"]["outputFile"])
    # Not the launcher's own file: that one must not be there when the component fails.
    private_file = output_file.with_name(f".tfx-{output_file.name}")
    executor_input = _with_output_file(executor_input, str(private_file))
    try:
        if _has_driver(executor_class_path, executor_input):
            driver.main(_flags(executor_class_path, executor_input, inputs_spec))
            executor_input = add_driver_output(executor_input, private_file.read_text(encoding="utf-8"))
        flags = _flags(executor_class_path, executor_input, inputs_spec)
        kubeflow_v2_run_executor.main((flags, beam_args))
        return private_file.read_text(encoding="utf-8")
    finally:
        private_file.unlink(missing_ok=True)


def _with_output_file(executor_input: Json, output_file: str) -> Json:
    os.makedirs(os.path.dirname(output_file), exist_ok=True)
    return {**executor_input, "outputs": {**executor_input["outputs"], "outputFile": output_file}}


def _has_driver(executor_class_path: str, executor_input: Json) -> bool:
    """File-based ExampleGens find their files' span and fingerprint before they run; KFP leaves that out."""
    executor_class = import_utils.import_class_by_path(executor_class_path)
    is_example_gen = issubclass(executor_class, base_example_gen_executor.BaseExampleGenExecutor)
    parameters = executor_input["inputs"]["parameterValues"]
    return is_example_gen and standard_component_specs.INPUT_BASE_KEY in parameters


def _flags(executor_class_path: str, executor_input: Json, inputs_spec: str) -> argparse.Namespace:
    return argparse.Namespace(
        executor_class_path=executor_class_path,
        json_serialized_invocation_args=json.dumps(executor_input),
        json_serialized_inputs_spec_args=inputs_spec,
    )
