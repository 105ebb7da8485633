"""The TFX side of the audit: artifacts in, a report out, an error where something leaks."""

from __future__ import annotations

import functools
import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_transform as tft
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components import contract
from components.audit import constants
from components.audit.audit import LeakageAudit
from components.audit.report import AuditConfig, AuditReport, write_report
from components.errors import LeakError
from components.reuse.executor import open_results
from components.reuse.keys import digest_file, digest_folder, make_key

AUDIT_KEY = "audit"
CONFIG_KEY = "audit_config"
RELEARNT = "relearnt"
"""What is kept of an audit for the next one of the same train split."""
MAX_PROBLEMS_SHOWN = 3

_LOG = logging.getLogger(__name__)
Artifacts = dict[str, list[types.Artifact]]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Audits, leaves the report, and raises a LeakError if anything leaks."""

    def Do(  # noqa: N802 (TFX's name)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the audit; see BaseBeamExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        model = artifact_utils.get_single_uri(input_dict[standard_component_specs.MODEL_KEY])
        graph = artifact_utils.get_single_uri(input_dict[standard_component_specs.TRANSFORM_GRAPH_KEY])
        folder = artifact_utils.get_single_uri(output_dict[AUDIT_KEY])
        files = {
            split: fileio.glob(os.path.join(artifact_utils.get_split_uri(examples, split), "*"))
            for split in contract.SPLITS
        }
        audit = LeakageAudit(files, AuditConfig(**json.loads(exec_properties[CONFIG_KEY])))
        with tempfile.TemporaryDirectory() as scratch:
            relearnt = os.path.join(scratch, RELEARNT)
            self._relearn(files[contract.TRAIN_SPLIT], graph, relearnt, exec_properties)
            report = audit.run(
                path_utils.serving_model_path(model),
                tft.TFTransformOutput(graph),
                tft.TFTransformOutput(relearnt),
            )
        fileio.makedirs(folder)
        write_report(report, folder)
        raise_leaks(report)

    def _relearn(
        self, train_files: Sequence[str], graph: str, folder: str, exec_properties: Mapping[str, Any]
    ) -> None:
        """Learns what Transform did from the train split alone, where no audit of the same has done it."""
        learn = functools.partial(
            constants.learn_transform,
            train_files,
            tft.TFTransformOutput(graph),
            folder,
            self._make_beam_pipeline,
        )
        kept = open_results(exec_properties)
        if kept is None:
            learn()
            return
        key = make_key(
            code=exec_properties[contract.CODE_PROPERTY],
            train=[digest_file(file) for file in sorted(train_files)],
            graph=digest_folder(graph),
        )
        if kept.fetch(RELEARNT, key, {RELEARNT: folder}) is None:
            learn()
            kept.keep(RELEARNT, key, {RELEARNT: folder}, {})


def raise_leaks(report: AuditReport) -> None:
    """Raises a LeakError that names the first problems; the log has them all.

    Raises:
      LeakError: there are any, or nothing could be looked at.
    """
    if report.passed:
        return
    for problem in report.problems:
        _LOG.error("audit: %s", problem)
    if not report.problems:
        raise LeakError(
            "the audit must have chunks to look at, with two target days or more, got none; give more bars"
        )
    shown = "; ".join(report.problems[:MAX_PROBLEMS_SHOWN])
    raise LeakError(
        f"no forecast, label or constant may know the future, got {len(report.problems)} that do: {shown}; "
        "mend the feature, the labels or what Transform analyses"
    )
