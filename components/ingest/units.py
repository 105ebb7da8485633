"""Divides a source into units of work: a few small files, a file, or some row groups of a large one."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence

from components.errors import InputError
from components.ingest import sources, tables

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

    Raises:
      InputError: a file is not there.
    """
    sizes = [sources.measure_file(file) for file in files]
    unit_bytes = min(UNIT_BYTES, sum(sizes) // num_wanted)
    units: list[Unit] = []
    open_unit: list[FilePart] = []
    num_bytes = 0
    for file, size in zip(files, sizes, strict=True):
        if size >= unit_bytes:
            units += [(part,) for part in _divide(file)]
            continue
        if open_unit and num_bytes + size > unit_bytes:
            units.append(tuple(open_unit))
            open_unit, num_bytes = [], 0
        open_unit.append(FilePart(file, _locate(file)))
        num_bytes += size
    return [*units, tuple(open_unit)] if open_unit else units


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
