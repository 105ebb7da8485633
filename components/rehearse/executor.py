"""The TFX side of the rehearsal: a model in, an infra blessing with the report of a clean process out."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.rehearse import replay, report
from components.reuse.executor import ReusingExecutor

INFRA_BLESSING_KEY = standard_component_specs.INFRA_BLESSING_KEY
REHEARSAL_KEY = "rehearsal"

BLESSED_PROPERTY = "blessed"
BLESSED_FILE = "INFRA_BLESSED"
NOT_BLESSED_FILE = "INFRA_NOT_BLESSED"
"""What tfx's InfraValidator leaves and tfx's Pusher reads."""
NUM_LAST_LINES = 5
"""Lines of a process that failed, quoted in the report."""

_LOG = logging.getLogger(__name__)
Artifacts = dict[str, list[types.Artifact]]


class _RehearsingExecutor(base_executor.BaseExecutor):
    """Rehearses the model; a failure withholds the blessing and does not raise."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the rehearsal; see BaseExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        blessing = artifact_utils.get_single_instance(output_dict[INFRA_BLESSING_KEY])
        model = artifact_utils.get_single_uri(input_dict[standard_component_specs.MODEL_KEY])
        config = replay.RehearsalConfig(**json.loads(exec_properties[REHEARSAL_KEY]))
        fileio.makedirs(blessing.uri)
        found = run_in_clean_process(path_utils.serving_model_path(model), blessing.uri, config)
        for reason in found.reasons:
            _LOG.error("rehearsal: %s", reason)
        pathlib.Path(blessing.uri, BLESSED_FILE if found.passed else NOT_BLESSED_FILE).touch()
        blessing.set_int_custom_property(BLESSED_PROPERTY, int(found.passed))


class Executor(ReusingExecutor, _RehearsingExecutor):
    """Rehearses a model until it passes; what failed on a busy machine may pass on an idle one."""

    def is_final(self, outputs: Mapping[str, types.Artifact]) -> bool:
        """Whether it passed."""
        return bool(outputs[INFRA_BLESSING_KEY].get_int_custom_property(BLESSED_PROPERTY))


def run_in_clean_process(
    model_dir: str, folder: str, config: replay.RehearsalConfig
) -> report.RehearsalReport:
    """Runs replay.py in a new Python process, which finds modules where this one does.

    Args:
      model_dir: folder of the SavedModel.
      folder: gets the report, whatever happens to the process.
      config: what the model must reach.
    Returns:
      The report.
    """
    path = os.path.join(folder, report.REPORT_FILE)
    command = [sys.executable, "-P", "-m", replay.__name__, "--model", model_dir, "--report", path]
    command += ["--config", json.dumps(dataclasses.asdict(config))]
    modules = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    environment = {**os.environ, "PYTHONPATH": modules, "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=config.timeout_seconds,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        last = " | ".join(error.stdout.strip().splitlines()[-NUM_LAST_LINES:])
        problem = f"the process must end with 0, got {error.returncode}: {last}; mend the export"
    except subprocess.TimeoutExpired:
        problem = (
            f"the process must end within {config.timeout_seconds:g} s, got no end; "
            "make the network smaller, or raise rehearsal.timeout_seconds"
        )
    else:
        return report.load_report(path)
    failed = report.RehearsalReport((report.Check("the model loads in a clean process", (problem,)),), {})
    report.write_report(failed, path)
    return failed
