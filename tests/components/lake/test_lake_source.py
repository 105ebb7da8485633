"""A lake as the source of a run: the same bars as its files, and as they were known on a day."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from components import contract
from components.errors import InputError
from components.ingest import local_engine, sources
from components.ingest.bars import ValidationConfig
from components.ingest.chunk_folder import write_chunk_folder
from components.ingest.chunk_job import ChunkJob, JobNotes
from components.ingest.panel import read_panel
from components.ingest.source_config import SourceConfig
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE
from tests.components.lake.lakes import add, make_bars, take_in, write_csv

OLD = make_bars(["AA", "BB"], ["2020-12-30", "2020-12-31"])


def test_the_bars_are_those_of_the_files(tmp_path: pathlib.Path) -> None:
    take_in(tmp_path / "lake", SHIPPED_SOURCE.path)
    policies = ValidationConfig()
    lake = read_panel(dataclasses.replace(SHIPPED_SOURCE, path=str(tmp_path / "lake")), policies).bars
    plain = read_panel(SHIPPED_SOURCE, policies).bars
    assert list(lake) == list(plain)
    for ticker, bars in plain.items():
        assert lake[ticker].sector == bars.sector
        for name in ("dates", *contract.BAR_COLUMNS):
            np.testing.assert_array_equal(getattr(lake[ticker], name), getattr(bars, name))


def test_the_fingerprint_is_of_the_bars_alone(tmp_path: pathlib.Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    add(one, OLD, "2021-01-04")
    for key, value in reversed(OLD.items()):
        add(other, {key: value}, "2021-01-05")
    first = sources.fingerprint(SourceConfig(str(one), ""))
    assert sources.fingerprint(SourceConfig(str(other), "")) == first
    take_in(other, "none.csv", is_compaction=True)
    assert sources.fingerprint(SourceConfig(str(other), "")) == first
    add(one, {("AA", "2021-01-04"): 5.0}, "2021-01-06")
    second = sources.fingerprint(SourceConfig(str(one), ""))
    assert second != first == sources.fingerprint(SourceConfig(str(one), "", known_on="2021-01-05"))
    add(one, {("AA", "2021-01-04"): 6.0}, "2021-01-07", is_correction=True)
    assert sources.fingerprint(SourceConfig(str(one), "")) not in (first, second)


def test_chunks_are_of_the_lake_as_it_was_when_they_were_begun(tmp_path: pathlib.Path) -> None:
    lake = tmp_path / "lake"
    take_in(lake, SHIPPED_SOURCE.path, known_on="2021-01-03")
    source = dataclasses.replace(SHIPPED_SOURCE, path=str(lake))
    before = sources.fingerprint(source)

    def engine(job: ChunkJob, files: Sequence[str]) -> JobNotes:
        add(lake, {("AA", "2020-12-30"): 10.0}, "2021-01-04")
        return local_engine.run(job, files)

    report = write_chunk_folder(source, ValidationConfig(), SHIPPED_CHUNKS, str(tmp_path / "chunks"), engine)
    assert report[contract.FINGERPRINT_PROPERTY] == before != sources.fingerprint(source)


def test_days_before_the_first_commit_and_places_without_a_lake(tmp_path: pathlib.Path) -> None:
    add(tmp_path / "lake", OLD, "2021-01-04")
    with pytest.raises(InputError, match=r"source\.known_on must be 2021-01-04 or later in "):
        sources.list_files(SourceConfig(str(tmp_path / "lake"), "", known_on="2021-01-03"))
    csv = write_csv(tmp_path / "bars.csv", OLD)
    for ask in (sources.list_files, sources.fingerprint):
        with pytest.raises(InputError, match=r"source\.known_on must go with a lake, got 2021-01-04 with "):
            ask(SourceConfig(csv, "", known_on="2021-01-04"))
    with pytest.raises(ValueError, match=r"source\.known_on must be a day as 'YYYY-MM-DD', got '2021-1-4'"):
        SourceConfig(csv, "", known_on="2021-1-4")


def test_the_written_contract_lies_in_the_lake(tmp_path: pathlib.Path) -> None:
    add(tmp_path / "lake", OLD, "2021-01-04")
    told = json.loads((tmp_path / "lake" / "contract.json").read_text())
    assert list(told["columns"]) == [contract.TICKER, contract.DATE, *contract.BAR_COLUMNS]
    assert {"calendar", "splits", "delisted", "point_in_time"} <= told["rules"].keys()
    [file, *_] = sources.list_files(SourceConfig(str(tmp_path / "lake"), ""))
    assert pd.read_parquet(file, use_threads=False).columns.tolist() == list(told["columns"])


def test_a_parquet_file_is_read_in_its_own_columns_only(tmp_path: pathlib.Path) -> None:
    table = pd.DataFrame(
        {"ticker": ["A"], "date": ["2020-01-02"], **dict.fromkeys(contract.BAR_COLUMNS, 1.0)}
    )
    path = tmp_path / "bars.parquet"
    table.assign(broken=[{"deep": 1}]).to_parquet(path)
    assert "broken" not in sources.tables.read_table(str(path), (), ["ticker", "date"])
    table.drop(columns="close").assign(extra=1).to_parquet(path)
    with pytest.raises(InputError, match=r"must have the column close, got .*extra"):
        sources.read_rows(str(path), SourceConfig(str(path), ""))
