"""Several files of a split: read side by side, in an order that never changes."""

from __future__ import annotations

import pathlib

import pytest

from tests.components.ingest.record_files import write_records

pytestmark = pytest.mark.tf


def test_files_take_turns_and_none_is_lost(tmp_path: pathlib.Path) -> None:
    from components.train.dataset import PARALLEL_FILES, read_records

    files = []
    for file in range(PARALLEL_FILES + 1):
        files.append(str(tmp_path / str(file)))
        write_records(files[-1], [f"{file}{record}".encode() for record in range(2 * file)])
    expected = "10 20 30 40 11 21 31 41 22 32 42 23 33 43 34 44 35 45 46 47"
    for _ in range(3):
        assert b" ".join(read_records(files).as_numpy_iterator()).decode() == expected


def test_one_file_keeps_its_order(tmp_path: pathlib.Path) -> None:
    from components.train.dataset import read_records

    records = [str(number).encode() for number in range(100)]
    write_records(str(tmp_path / "one"), records)
    assert list(read_records([str(tmp_path / "one")]).as_numpy_iterator()) == records
