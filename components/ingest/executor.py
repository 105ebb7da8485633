"""The TFX side of ingest: configs in, an examples artifact and a report artifact out."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components import contract
from components.errors import ConfigError, InputError
from components.ingest import beam_chunks, new_days, parts
from components.ingest.bars import ValidationConfig
from components.ingest.beam_chunks import IngestConfig
from components.ingest.chunks import ChunkConfig
from components.ingest.findings import Finding, raise_refused
from components.ingest.new_days import NewDays
from components.ingest.past import PastChangedError
from components.ingest.report import (
    QUARANTINE_FILE,
    REPORT_FILE,
    TickerSummary,
    build_report,
    collect_quarantined,
)
from components.ingest.shards import SPLIT_FOLDER
from components.ingest.source_config import SourceConfig
from components.reuse.executor import open_results
from components.transform.market_property import read_market

SOURCE_KEY = "source"
VALIDATION_KEY = "validation"
CHUNKS_KEY = "chunks"
NUM_SHARDS_KEY = "num_shards"
REPORT_KEY = "report"

_STAGING = "staging"
_LOG = logging.getLogger(__name__)


def read_config(properties: Mapping[str, Any]) -> IngestConfig:
    """Reads the component's execution properties: configs as JSON, and beside them what changes per run.

    Raises:
      ConfigError: what this run was given is wrong.
      InputError: there are no bars.
    """
    source = json.loads(properties[SOURCE_KEY])
    names = (contract.DATA_PARAMETER, contract.METADATA_PARAMETER, contract.KNOWN_ON_PARAMETER)
    chunks = json.loads(properties[CHUNKS_KEY]) | {"as_of": properties[contract.AS_OF_PARAMETER]}
    try:
        configs = (
            SourceConfig.from_properties(source, *(properties[name] for name in names)),
            ValidationConfig(**json.loads(properties[VALIDATION_KEY])),
            ChunkConfig(**chunks),
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    num_shards = properties[NUM_SHARDS_KEY] or parts.choose_num_shards(configs[0])
    return IngestConfig(*configs, num_shards, read_market(properties))


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes the examples and the report, or raises one InputError and writes nothing."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the ingest; see BaseBeamExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        config = read_config(exec_properties)
        output = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        report_artifact = artifact_utils.get_single_instance(output_dict[REPORT_KEY])
        fingerprint = check_fingerprint(config.source, exec_properties[contract.FINGERPRINT_PROPERTY])
        staging = os.path.join(output.uri, _STAGING)
        try:
            kept = open_results(exec_properties)
            days = new_days.divide(config, kept, exec_properties[contract.CODE_PROPERTY]) if kept else None
            findings, summaries, past = self._write_chunks(config, staging, days)
            quarantined = collect_quarantined(findings, config.source)
            check_fingerprint(config.source, fingerprint)
            if days and not past:  # What was read is what the key is of, now that it has not changed.
                new_days.keep_past(days, findings, staging)
            tickers = quarantined[config.source.file_column(contract.TICKER)]
            report = build_report(summaries, findings, tickers, fingerprint, config.chunks.as_of)
            for split in contract.SPLITS:
                folder = SPLIT_FOLDER.format(split=split)
                fileio.rename(os.path.join(staging, folder), os.path.join(output.uri, folder))
        finally:
            if fileio.exists(staging):
                fileio.rmtree(staging)
        write_text(os.path.join(report_artifact.uri, QUARANTINE_FILE), quarantined.to_csv(index=False))
        write_text(os.path.join(report_artifact.uri, REPORT_FILE), json.dumps(report, indent=2) + "\n")
        _record(output, report)
        output.set_string_custom_property(contract.REUSED_BEFORE_PROPERTY, past)

    def _write_chunks(
        self, config: IngestConfig, staging: str, days: NewDays | None
    ) -> tuple[list[Finding], list[TickerSummary], str]:
        """Writes all chunks; the third value is the day before which they are an earlier run's, or empty."""
        if days is None:
            return *self._run_beam(config, staging), ""
        if rest := new_days.fetch_past(days, config, staging):
            try:
                return *self._run_beam(rest, staging), config.chunks.test_start
            except PastChangedError as changed:
                _LOG.info("%s is not what it was: all bars are read anew", changed)
                fileio.rmtree(staging)
        return *self._run_beam(dataclasses.replace(config, keeps_past=True), staging), ""

    def _run_beam(self, config: IngestConfig, staging: str) -> tuple[list[Finding], list[TickerSummary]]:
        with self._make_beam_pipeline() as pipeline:
            beam_chunks.write_chunks(pipeline, config, staging)
        findings, summaries = beam_chunks.read_notes(staging)
        raise_refused(findings)
        return findings, summaries


def check_fingerprint(source: SourceConfig, expected: str) -> str:
    """Returns the input's fingerprint; it must be the expected one, where one is expected.

    Raises:
      InputError: the input has changed since the run was started.
    """
    fingerprint = parts.fingerprint(source)
    if expected and fingerprint != expected:
        raise InputError(
            f"{source.place} must stay as it was when the run started (fingerprint {expected}), got "
            f"{fingerprint}; run again"
        )
    return fingerprint


def _record(examples: types.Artifact, report: Mapping[str, Any]) -> None:
    """Puts what TFX and later components ask for on the examples artifact."""
    examples.split_names = artifact_utils.encode_split_names(list(contract.SPLITS))
    examples.span = report[contract.SPAN_PROPERTY]
    examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
    for name in (contract.FINGERPRINT_PROPERTY, "first_date", "last_date"):
        examples.set_string_custom_property(name, report[name])
    for name in ("num_bars", "num_quarantined"):
        examples.set_int_custom_property(name, report[name])
    for split, counts in report["splits"].items():
        for name in ("num_chunks", "num_target_days"):
            examples.set_int_custom_property(f"{split}_{name}", counts[name])


def write_text(path: str, text: str) -> None:
    """Writes a file of an artifact; its folder is made."""
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "w") as stream:
        stream.write(text)
