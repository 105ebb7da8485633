"""Divides a source into units of work: a few small files, a file, or some row groups of a large one."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence

from components.errors import InputError
from components.ingest import tables
from components.ingest.bars import ValidationConfig
from components.ingest.findings import MAX_MESSAGES, Finding, unreadable
from components.ingest.row_blocks import RowBlock, join_blocks
from components.ingest.rows import check_block
from components.ingest.source_config import SourceConfig
from components.ingest.sources import digest_file, read_row_blocks

UNIT_BYTES = 16 << 20
UNIT_ROWS = 1 << 18


@dataclasses.dataclass(frozen=True)
class FilePart:
    """A file, or a run of row groups of a Parquet file.

    Attributes:
      file: its path as the source has it, which messages call it.
      path: where each process finds it: an absolute path.
      row_groups: in ascending order; None for the whole file.
    """

    file: str
    path: str
    row_groups: tuple[int, ...] | None = None

    @property
    def is_first(self) -> bool:
        """Says whether the file begins here."""
        return self.row_groups is None or self.row_groups[0] == 0


Unit = tuple[FilePart, ...]


def plan_units(files: Sequence[str], num_wanted: int = 1) -> list[Unit]:
    """Divides files into units of about UNIT_BYTES, or less, where there shall be more units.

    A CSV file is never divided: where a line begins is known only to who has read those before.
    """
    unit_bytes = min(UNIT_BYTES, sum(map(os.path.getsize, files)) // num_wanted)
    units: list[Unit] = []
    open_unit: list[FilePart] = []
    num_bytes = 0
    for file in files:
        size = os.path.getsize(file)
        if size >= unit_bytes:
            units += [(part,) for part in _divide(file)]
            continue
        if open_unit and num_bytes + size > unit_bytes:
            units.append(tuple(open_unit))
            open_unit, num_bytes = [], 0
        open_unit.append(FilePart(file, _locate(file)))
        num_bytes += size
    return [*units, tuple(open_unit)] if open_unit else units


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
      Sound rows, some UNIT_ROWS at a time, and what was found; a file that cannot be read is a finding, too.
    """
    held: list[RowBlock] = []
    for part in unit:
        findings: list[Finding] = []
        try:
            for rows in read_row_blocks(part.path, source, part.row_groups):
                block, found = check_block(rows, part.file, validation, last_day)
                findings += found
                held.append(block)
                if sum(map(len, held)) >= UNIT_ROWS:
                    yield join_blocks(held)
                    held = []
        except InputError as error:
            findings = [unreadable(part.file, error)]
        yield from merge_findings(findings)
    if held:
        yield join_blocks(held)


def digest_unit(unit: Unit) -> dict[str, str]:
    """Returns file -> SHA-256 (hex), of each file that begins in the unit and can be read."""
    digests = {}
    for part in unit:
        if part.is_first:
            with contextlib.suppress(InputError):  # Who reads its rows tells.
                digests[part.file] = digest_file(part.path)
    return digests


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


def _locate(file: str) -> str:
    return os.path.join(os.getcwd(), file)


def _divide(file: str) -> Iterator[FilePart]:
    """Gives runs of row groups of about UNIT_ROWS; a file that cannot be divided stays whole."""
    try:
        group_rows = tables.count_group_rows(file) if tables.is_parquet(file) else []
    except InputError:  # Whoever reads it tells.
        group_rows = []
    path = _locate(file)
    if len(group_rows) < 2:
        yield FilePart(file, path)
        return
    run: list[int] = []
    for index, num_rows in enumerate(group_rows):
        if run and sum(group_rows[i] for i in run) + num_rows > UNIT_ROWS:
            yield FilePart(file, path, tuple(run))
            run = []
        run.append(index)
    yield FilePart(file, path, tuple(run))
