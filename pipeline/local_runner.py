"""TFX's local runner, telling a listener what each component does as it does it."""

from __future__ import annotations

import dataclasses
import datetime
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils, tfx_runner
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import pipeline_pb2

from components import contract
from pipeline.failures import first_line

_REUSED = metadata_store_pb2.Execution.CACHED
_COMPLETE = metadata_store_pb2.Execution.COMPLETE


@dataclasses.dataclass(frozen=True)
class NodeResult:
    """What one component of the pipeline gave.

    Attributes:
      node_id: its name in the pipeline.
      seconds: wall time.
      reused: an earlier run's outputs were taken over, or copies of them.
      outputs: its output artifacts by key.
    """

    node_id: str
    seconds: float
    reused: bool
    outputs: Mapping[str, Sequence[types.Artifact]]


class NodeError(Exception):
    """A component failed; `__cause__` is what it raised."""

    def __init__(self, node_id: str, reason: str) -> None:
        super().__init__(f"{node_id} failed: {reason}")
        self.node_id = node_id


class LocalRunner(tfx_runner.IrBasedRunner):
    """Runs the components one after the other in this process.

    Source: tfx.orchestration.local.local_dag_runner, the same in TFX 1.16 and 1.21; partial runs are left
    out, the listener and the check of each component's state are added.
    """

    def __init__(
        self,
        started: Callable[[str], None],
        finished: Callable[[NodeResult], None],
        never_reused: Collection[str] = (),
        code: str = "",
        results_folder: str = "",
    ) -> None:
        """Makes a runner.

        Args:
          started: told the name of each component as it begins.
          finished: told what it gave.
          never_reused: names of components whose result an earlier run cannot vouch for.
          code: fingerprint of the components' code; a result is reused only where it is the same.
          results_folder: where components keep results by the content they were made of; empty for nowhere.
        """
        self._started = started
        self._finished = finished
        self._never_reused = never_reused
        self._told = {contract.CODE_PROPERTY: code, contract.RESULTS_PROPERTY: results_folder}

    def run_with_ir(self, pipeline: pipeline_pb2.Pipeline, run_options: Any = None, **kwargs: Any) -> None:
        """Runs a compiled pipeline.

        Raises:
          NodeError: a component failed; later ones were not started.
        """
        if run_options or kwargs:
            raise ValueError(
                f"the local runner must get no options, got {run_options} {kwargs}; leave them out"
            )
        run_id = datetime.datetime.now().isoformat()
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        deployment = runner_utils.extract_local_deployment_config(pipeline)
        kind = deployment.metadata_connection_config.WhichOneof("connection_config")
        connection = metadata.Metadata(getattr(deployment.metadata_connection_config, kind))
        # TFX hands our own command line to Beam as flags otherwise (python_executor_operator).
        arguments, sys.argv = sys.argv, sys.argv[:1]
        try:
            for node in pipeline.nodes:
                self._run_node(pipeline, node.pipeline_node, deployment, connection)
        finally:
            sys.argv = arguments

    def _run_node(
        self,
        pipeline: pipeline_pb2.Pipeline,
        node: pipeline_pb2.PipelineNode,
        deployment: Any,
        connection: metadata.Metadata,
    ) -> None:
        node_id = node.node_info.id
        if node_id in self._never_reused:
            node.execution_options.caching_options.enable_cache = False
        # The parameters are part of the cache's key; executors pass over those they do not know.
        for name, value in self._told.items():
            node.parameters.parameters[name].field_value.string_value = value
        self._started(node_id)
        start = time.monotonic()
        try:
            info = launcher.Launcher(
                pipeline_node=node,
                mlmd_connection=connection,
                pipeline_info=pipeline.pipeline_info,
                pipeline_runtime_spec=pipeline.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
            ).launch()
        except Exception as error:
            raise NodeError(node_id, first_line(error)) from error
        execution_id = info.execution_id if info else None
        reused, outputs = _read_execution(connection, node_id, execution_id)
        self._finished(NodeResult(node_id, time.monotonic() - start, reused, outputs))


def _read_execution(
    connection: metadata.Metadata, node_id: str, execution_id: int | None
) -> tuple[bool, Mapping[str, Sequence[types.Artifact]]]:
    """Whether an execution was reused, and its outputs; the launcher returns, too, where it could not run."""
    if execution_id is None:
        raise NodeError(node_id, "its inputs were not made")
    with connection as handle:
        [execution] = handle.store.get_executions_by_id([execution_id])
        if execution.last_known_state not in (_REUSED, _COMPLETE):
            state = metadata_store_pb2.Execution.State.Name(execution.last_known_state)
            raise NodeError(node_id, f"its inputs could not be resolved (state {state})")
        outputs = execution_lib.get_output_artifacts(handle, execution_id)
    copied = any(
        artifact.get_int_custom_property(contract.REUSED_PROPERTY)
        for artifacts in outputs.values()
        for artifact in artifacts
    )
    return copied or execution.last_known_state == _REUSED, outputs
