"""Reads and checks the rows of a unit: small files together, a large one block by block."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from components.errors import InputError
from components.ingest import small_files, units
from components.ingest.bars import ValidationConfig
from components.ingest.findings import MAX_MESSAGES, Finding, unreadable
from components.ingest.row_blocks import RowBlock, join_blocks
from components.ingest.rows import RowTable, check_block, of_one_file
from components.ingest.source_config import SourceConfig
from components.ingest.sources import read_row_blocks
from components.ingest.units import FilePart, Unit


def read_unit(
    unit: Unit, source: SourceConfig, validation: ValidationConfig, last_day: int | None
) -> Iterator[RowBlock | Finding]:
    """Reads and checks a unit's rows.

    Args:
      unit: what to read.
      source: tells the files' column names.
      validation: the policies.
      last_day: days since 1970-01-01; later bars are ignored. None keeps all.
    Returns:
      Sound rows, some units.UNIT_ROWS at a time, and what was found; an unreadable file is a finding, too.
    """
    held: list[RowBlock] = []
    findings: list[Finding] = []
    for table in _read_tables(unit, source):
        if isinstance(table, Finding):  # Of a file that cannot be read nothing else is told.
            findings = [*(found for found in findings if found.file != table.file), table]
            continue
        block, found = check_block(table, validation, last_day)
        findings += found
        held.append(block)
        if sum(map(len, held)) >= units.UNIT_ROWS:
            yield join_blocks(held)
            held = []
    if held:
        yield join_blocks(held)
    yield from merge_findings(findings)


def _read_tables(unit: Unit, source: SourceConfig) -> Iterator[RowTable | Finding]:
    """Gives all rows, of small files together as far as they are alike."""
    run: list[FilePart] = []
    small: list[small_files.SmallFile] = []
    for part in unit:
        file = small_files.read_small(part.file, part.path, source) if len(unit) > 1 else None
        if file is None or not small_files.can_join(small, file):
            yield from _read_run(run, small, source)
            run, small = [], []
        if file is None:
            yield from _read_part(part, source)
        else:
            run.append(part)
            small.append(file)
    yield from _read_run(run, small, source)


def _read_run(
    run: Sequence[FilePart], small: Sequence[small_files.SmallFile], source: SourceConfig
) -> Iterator[RowTable | Finding]:
    """Gives one table of small files; one by one they are told of where columns are wrong."""
    if not run:
        return
    try:
        table = small_files.join(small, source)
    except InputError:
        for part in run:
            yield from _read_part(part, source)
    else:
        yield table


def _read_part(part: FilePart, source: SourceConfig) -> Iterator[RowTable | Finding]:
    try:
        for rows in read_row_blocks(part.path, source, part.row_groups):
            yield of_one_file(rows, part.file)
    except InputError as error:
        yield unreadable(part.file, error)


def merge_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Makes one of the findings that a check has in several blocks of a file, in the order of the lines."""
    merged: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        key = (finding.check, finding.file, finding.reason)
        before = merged.get(key)
        merged[key] = _add(before, finding) if before else finding
    return list(merged.values())


def _add(first: Finding, second: Finding) -> Finding:
    return dataclasses.replace(
        first,
        lines=first.lines + second.lines,
        messages=(first.messages + second.messages)[:MAX_MESSAGES],
        num_violations=first.num_violations + second.num_violations,
    )
