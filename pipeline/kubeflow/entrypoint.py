"""The command of every task on Kubeflow Pipelines: the bridge between KFP's launcher and a TFX component.

Takes the flags of TFX's own container entry point, hands TFX an ExecutorInput that it can read, and leaves
the output metadata that KFP's launcher can read: `python -m pipeline.kubeflow.entrypoint`.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from components import contract
from pipeline.code_fingerprint import fingerprint_code
from pipeline.failures import find_user_error
from pipeline.kubeflow.bridge.executor_input import (
    Task,
    add_parameters,
    move_output_file,
    read_executor_input,
)
from pipeline.kubeflow.bridge.executor_output import write_executor_output
from pipeline.kubeflow.bridge.locations import RESULTS_VARIABLE, TWIN_ROOT_VARIABLE, Twins
from pipeline.kubeflow.bridge.task_folders import make_inputs, make_outputs, mend_links
from pipeline.quiet import LOG_FORMAT

SHARED_FOLDER_FLAG = "--shared_folder"


def parse_flags(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Reads TFX's three flags; whatever else is there belongs to Beam, in its order."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.kubeflow.entrypoint",
        description="Runs one TFX component as a task of Kubeflow Pipelines. Other flags go to Beam.",
        allow_abbrev=False,
    )
    parser.add_argument("--executor_class_path", required=True, help="import path of the executor's class")
    parser.add_argument(
        "--json_serialized_invocation_args", required=True, help="the ExecutorInput: what KFP puts for {{$}}"
    )
    parser.add_argument(
        "--json_serialized_inputs_spec_args", default="", help="the component's inputs, with their types"
    )
    parser.add_argument(
        SHARED_FOLDER_FLAG, default="", help="where Beam's workers see the artifacts too: a path or gs:// URI"
    )
    return parser.parse_known_args(list(arguments))


def run_task(flags: argparse.Namespace, beam_args: list[str]) -> None:
    """Runs one task from the launcher's input to its output file.

    Raises:
      BridgeError: the launcher's contract cannot be kept.
    """
    twins = Twins(os.environ.get(TWIN_ROOT_VARIABLE, ""))
    task = _read_task(flags, twins)

    # They take TFX's 10 s, which a wrong input need not wait for.
    from pipeline.kubeflow.bridge import shared_folder, tfx_task

    # Now, and in place of theirs: the imports log much of no use, and set it up at their first warning.
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, force=True)
    make_inputs(task.inputs, tfx_task.is_value_type)
    make_outputs(task.outputs, tfx_task.is_value_type)
    if flags.shared_folder:
        with shared_folder.open_twins(flags.shared_folder) as shared_twins:
            shared = move_output_file(_read_task(flags, shared_twins), task.output_file)
            shared_folder.copy_artifacts((*task.inputs, *task.outputs), (*shared.inputs, *shared.outputs))
            output = _run_component(flags, beam_args, shared, shared_twins)
            shared_folder.copy_artifacts(shared.outputs, task.outputs)
    else:
        output = _run_component(flags, beam_args, _tell_results_folder(task), twins)
    mend_links(task.outputs)
    _publish(output, task)


def _read_task(flags: argparse.Namespace, twins: Twins) -> Task:
    return read_executor_input(
        flags.json_serialized_invocation_args, flags.json_serialized_inputs_spec_args, twins
    )


def _tell_results_folder(task: Task) -> Task:
    folder = os.environ.get(RESULTS_VARIABLE)
    if not folder:
        return task
    told = {contract.RESULTS_PROPERTY: folder, contract.CODE_PROPERTY: fingerprint_code()}
    return add_parameters(task, told)


def _run_component(flags: argparse.Namespace, beam_args: list[str], task: Task, twins: Twins) -> str:
    from pipeline.kubeflow.bridge import tfx_task

    tfx_output = tfx_task.run_component(
        flags.executor_class_path, task.executor_input, flags.json_serialized_inputs_spec_args, beam_args
    )
    return write_executor_output(tfx_output, task, twins)


def main(arguments: Sequence[str]) -> int:
    """Runs one task; an error that a user can mend ends as one line on standard error.

    Args:
      arguments: of the command, without its name.
    Returns:
      The exit code.
    """
    flags, beam_args = parse_flags(arguments)
    # The ExecutorInput names the store's endpoint and secret: who logs the arguments must not find it there.
    sys.argv[1:] = beam_args
    try:
        run_task(flags, beam_args)
    except Exception as error:
        user_error = find_user_error(error)
        if user_error is None:
            raise
        print(f"error: {user_error}", file=sys.stderr, flush=True)
        return user_error.exit_code
    return 0


def _publish(executor_output: str, task: Task) -> None:
    """Writes the launcher's file in one step: half a file would be fatal."""
    temporary = f"{task.output_file}.new"
    with open(temporary, "w", encoding="utf-8") as stream:
        stream.write(executor_output)
    os.replace(temporary, task.output_file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
