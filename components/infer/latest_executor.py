"""The TFX side of LatestBarsGen: bars in, an example of each ticker and a report out."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components import contract
from components.errors import ConfigError, InputError
from components.infer.latest_bars import LATEST_SPLIT, TickerNote, cut_latest
from components.infer.universe_report import REPORT_FILE, UniverseReport
from components.ingest import beam_examples, parts
from components.ingest.bars import LEAST_HISTORY_DAYS, ValidationConfig, day_number
from components.ingest.executor import (
    NUM_SHARDS_KEY,
    SOURCE_KEY,
    VALIDATION_KEY,
    check_fingerprint,
    write_text,
)
from components.ingest.findings import raise_refused
from components.ingest.shards import SPLIT_FOLDER
from components.ingest.source_config import SourceConfig
from components.transform.market_property import read_market

REPORT_KEY = "report"
_STAGING = "staging"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes the examples and the report, or raises one InputError and writes nothing."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs it; see BaseBeamExecutor."""
        self._log_startup(input_dict, output_dict, exec_properties)
        config = read_config(exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        check_fingerprint(config.source, exec_properties[contract.FINGERPRINT_PROPERTY])
        staging = os.path.join(examples.uri, _STAGING)
        try:
            with self._make_beam_pipeline() as pipeline:
                beam_examples.write_examples(pipeline, config, cut_latest, [LATEST_SPLIT], staging)
            report = _conclude(staging, config.source)
            folder = SPLIT_FOLDER.format(split=LATEST_SPLIT)
            fileio.rename(os.path.join(staging, folder), os.path.join(examples.uri, folder))
        finally:
            if fileio.exists(staging):
                fileio.rmtree(staging)
        examples.split_names = artifact_utils.encode_split_names([LATEST_SPLIT])
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        told = artifact_utils.get_single_instance(output_dict[REPORT_KEY])
        write_text(os.path.join(told.uri, REPORT_FILE), report.to_json())


def read_config(properties: dict[str, Any]) -> beam_examples.ReadConfig:
    source = _read_source(properties).without_sectors()
    validation = ValidationConfig(**json.loads(properties[VALIDATION_KEY]))
    as_of = properties[contract.AS_OF_PARAMETER]
    try:
        last_day = day_number(as_of) if as_of else None
    except ValueError as error:
        raise ConfigError(f"as_of must be a day as YYYY-MM-DD, got {as_of!r}; write it so") from error
    return beam_examples.ReadConfig(
        source,
        dataclasses.replace(validation, min_history_days=LEAST_HISTORY_DAYS),
        last_day,
        properties[NUM_SHARDS_KEY] or parts.choose_num_shards(source),
        read_market(properties),
    )


def _read_source(properties: dict[str, Any]) -> SourceConfig:
    known_on = properties[contract.KNOWN_ON_PARAMETER]
    kept = json.loads(properties[SOURCE_KEY])
    try:
        return SourceConfig.from_properties(kept, properties[contract.DATA_PARAMETER], "", known_on)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _conclude(staging: str, source: SourceConfig) -> UniverseReport:
    """Raises what a policy refuses; else tells who is in and who is not."""
    findings, others = beam_examples.read_notes(staging)
    raise_refused(findings)
    notes = sorted(
        (TickerNote(**fields) for fields in others.get(TickerNote.__name__, ())), key=lambda note: note.ticker
    )
    report = UniverseReport(
        {note.ticker: note.as_of for note in notes if note.as_of is not None},
        {note.ticker: note.reason for note in notes if note.as_of is None},
    )
    if not report.as_of:
        raise InputError(
            f"{source.place} must leave at least one ticker to forecast, got {report.describe()}; give "
            "longer histories"
        )
    return report
