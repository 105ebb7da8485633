"""Files into the tables of bars and companies."""

from __future__ import annotations

import pytest

from components.database.bars_loader import LoadReport, load_bars
from components.errors import ConfigError, InputError
from components.ingest.bars import ValidationConfig
from components.ingest.source_config import SourceConfig
from tests.components.database.records import make_source
from tests.components.ingest.shipped import SHIPPED_SOURCE
from tests.fixtures.bad_bars import good_bars, write_csv

pytestmark = pytest.mark.postgres

VERSIONS = "SELECT xmin::text, * FROM marketcast.bars ORDER BY ticker, date"


def load(database, path, **policies):
    return load_bars(database, SourceConfig(str(path), ""), ValidationConfig(**policies))


def test_the_shipped_bars_and_once_more(database, execute):
    assert load_bars(database, SHIPPED_SOURCE, ValidationConfig()) == LoadReport(12_154, 5, 0)
    before = execute(VERSIONS)
    assert execute("SELECT * FROM marketcast.companies WHERE ticker = 'FB'") == [
        ("FB", "Meta Platforms, Inc. (then Facebook, Inc.)", "Communication Services", "NASDAQ", "USD")
    ]
    assert load_bars(database, SHIPPED_SOURCE, ValidationConfig()) == LoadReport(0, 0, 0)
    assert execute(VERSIONS) == before


def test_only_what_changed_is_written(database, tmp_path):
    table = good_bars()
    assert load(database, write_csv(tmp_path, table)).bars == len(table)
    table.loc[700, "volume"] = "12345"
    assert load(database, write_csv(tmp_path, table)).bars == 1


def test_a_bad_row_ends_it_and_leaves_nothing(database, execute, tmp_path):
    table = good_bars()
    table.loc[700, "high"] = "-1"
    with pytest.raises(InputError, match=r"bars\.csv, line 702, column high"):
        load(database, write_csv(tmp_path, table))
    assert execute("SELECT count(*) FROM marketcast.bars") == [(0,)]
    report = load(database, tmp_path / "bars.csv", bad_price="quarantine")
    assert (report.bars, report.quarantined) == (len(table) - 1, 1)


def test_the_same_bar_twice_is_one_and_a_different_one_is_refused(database, tmp_path, execute):
    table = good_bars()
    table.loc[len(table)] = table.loc[700]
    assert load(database, write_csv(tmp_path, table)).bars == len(table) - 1
    table.loc[len(table) - 1, "volume"] = "12345"
    with pytest.raises(
        InputError, match=r"bars\.csv must hold one bar of S001 2000-05-\d+, got 2 that differ"
    ):
        load(database, write_csv(tmp_path, table))


def test_a_database_is_not_loaded_from_a_database(database):
    with pytest.raises(ConfigError, match=r"source\.kind must be files for a load, got postgres"):
        load_bars(database, make_source(database), ValidationConfig())
