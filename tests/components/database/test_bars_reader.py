"""Bars out of a real database: the same as out of files, in ranges, as they are at one moment."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from psycopg import sql

from components import contract
from components.database import bars_reader
from components.database.connection import connect
from components.errors import DatabaseError, InputError
from components.ingest import parts
from components.ingest.bars import ValidationConfig
from components.ingest.panel import read_panel
from components.ingest.report import collect_quarantined
from tests.components.database.records import make_source
from tests.components.ingest.shipped import SHIPPED_SOURCE

pytestmark = pytest.mark.postgres

VALIDATION = ValidationConfig()
TEXT_BARS = "SELECT ticker, date::text AS date, open::text, high::text, low, close, adj_close, volume"


@pytest.fixture(name="change")
def fixture_change(postgres_server, loaded):
    return lambda statement: postgres_server.administer(statement, loaded.name)


@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_a_run_sees_the_very_bars_of_the_files(loaded, partitions):
    ours = read_panel(make_source(loaded, partitions=partitions), VALIDATION)
    theirs = read_panel(SHIPPED_SOURCE, VALIDATION)
    assert list(ours.bars) == list(theirs.bars)
    for ticker, bars in ours.bars.items():
        assert bars.sector == theirs.bars[ticker].sector
        for name in ("dates", *contract.BAR_COLUMNS):
            np.testing.assert_array_equal(getattr(bars, name), getattr(theirs.bars[ticker], name))
    assert [(f.check, len(f.lines)) for f in ours.findings] == [
        (f.check, len(f.lines)) for f in theirs.findings
    ]


def test_parts_are_ranges_of_tickers_that_hold_every_row_once(loaded):
    source = make_source(loaded, partitions=3)
    listed = parts.list_parts(source)
    assert [part.name for part in listed] == [
        "postgres:bars[AAPL..FB]", "postgres:bars[GOOG..IBM]", "postgres:bars[MSFT..MSFT]",
    ]  # fmt: skip
    assert sum(len(parts.read_rows(part, source)) for part in listed) == 12_154


def test_the_order_of_the_rows_does_not_depend_on_where_they_lie(loaded, change):
    source = make_source(loaded, partitions=1)
    [part] = parts.list_parts(source)
    before = parts.read_rows(part, source)
    change("UPDATE marketcast.bars SET close = close WHERE ticker < 'GOOG'")  # Moves rows to the end.
    [part] = parts.list_parts(source)
    assert parts.read_rows(part, source).equals(before)
    assert before["date"].iloc[0] == "2000-03-01"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE marketcast.bars SET volume = volume + 1 WHERE ticker = 'IBM' AND date = '2005-06-01'",
        "DELETE FROM marketcast.bars WHERE ticker = 'IBM' AND date = '2005-06-01'",
        "INSERT INTO marketcast.bars SELECT 'NEW', date, open, high, low, close, adj_close, volume "
        "FROM marketcast.bars WHERE ticker = 'IBM'",
        "UPDATE marketcast.bars SET ticker = 'IBN' WHERE ticker = 'IBM'",
        "UPDATE marketcast.companies SET sector = 'Energy' WHERE ticker = 'IBM'",
    ],
)
def test_the_fingerprint_sees_every_change_and_nothing_else(loaded, change, statement):
    source = make_source(loaded)
    before = parts.fingerprint(source)
    change("UPDATE marketcast.bars SET close = close")
    assert parts.fingerprint(source) == before
    assert parts.fingerprint(dataclasses.replace(source, partitions=2)) == before
    change(statement)
    assert parts.fingerprint(source) != before


def test_a_change_between_listing_and_reading_is_refused(loaded, change):
    source = make_source(loaded, partitions=2)
    first, second = parts.list_parts(source)
    change("UPDATE marketcast.bars SET volume = 7 WHERE ticker = 'MSFT' AND date = '2005-06-01'")
    assert len(parts.read_rows(first, source))
    with pytest.raises(InputError, match=r"postgres:bars\[IBM\.\.MSFT\] must stay as it was"):
        parts.read_rows(second, source)


def test_corrupt_rows_are_quarantined_with_their_place_and_day(loaded, change):
    change(
        "UPDATE marketcast.bars SET high = 'NaN' WHERE ticker = 'IBM' AND date = '2005-06-01';"
        "UPDATE marketcast.bars SET low = -1 WHERE ticker = 'AAPL' AND date = '2004-01-05'"
    )
    source = make_source(loaded)
    place = r"postgres:bars\[AAPL\.\.AAPL\], line \d+, column low: must be positive and finite"
    with pytest.raises(InputError, match=rf"{place}, got -1 \(AAPL 2004-01-05\)"):
        read_panel(source, VALIDATION)
    panel = read_panel(source, ValidationConfig(bad_price="quarantine"))
    table = collect_quarantined([f for f in panel.findings if f.check == "bad_price"], source)
    assert table[["ticker", "date", "low", "high", "file"]].to_numpy().tolist() == [
        ["AAPL", "2004-01-05", "-1", "22.39", "postgres:bars[AAPL..AAPL]"],
        ["IBM", "2005-06-01", "75.57", "NaN", "postgres:bars[IBM..IBM]"],
    ]


def test_text_that_is_no_bar_is_told_as_in_files(loaded, change):
    change(
        f"CREATE TABLE own AS {TEXT_BARS} FROM marketcast.bars;"
        "UPDATE own SET date = '31.12.2004' WHERE ticker = 'IBM' AND date = '2004-12-31';"
        "UPDATE own SET open = 'n/a' WHERE ticker = 'IBM' AND date = '2005-06-01';"
        "UPDATE own SET ticker = NULL, high = NULL WHERE ticker = 'IBM' AND date = '2005-06-02'"
    )
    change("GRANT SELECT ON own TO PUBLIC")
    source = make_source(loaded, query="SELECT * FROM own -- all of them\n;", partitions=2)
    with pytest.raises(InputError) as refused:
        read_panel(source, VALIDATION)
    text = str(refused.value)
    assert "bars must be sound, got 4 violations" in text
    for fragment in ("'31.12.2004' (IBM)", "'n/a' (IBM 2005-06-01)", "column ticker", "column high"):
        assert fragment in text


def test_columns_may_have_other_names(loaded):
    price = ", ".join(f"adj_close AS {name}" for name in ("open", "high", "low", "close"))
    query = f'SELECT ticker AS "Symbol", date, {price}, volume FROM marketcast.bars'
    source = make_source(loaded, query=query, columns={"ticker": "Symbol"}, metadata_query="")
    panel = read_panel(source, VALIDATION)
    np.testing.assert_array_equal(panel.bars["IBM"].adj_close, panel.bars["IBM"].close)
    assert panel.bars["IBM"].sector == contract.UNKNOWN_SECTOR


@pytest.mark.parametrize(
    ("query", "fragment"),
    [
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELEKT 1", "syntax error"),
        ("SELECT 1 AS one", "ticker does not exist"),
        ("DELETE FROM marketcast.bars RETURNING *", "syntax error"),
        ("SELECT * FROM marketcast.bars WHERE false", "source.query must give bars, got no rows"),
        ("SELECT ticker, date FROM marketcast.bars", "must have the columns open, high"),
    ],
)
def test_a_query_that_gives_no_bars_is_told_in_one_line(loaded, query, fragment):
    with pytest.raises(InputError) as refused:
        read_panel(make_source(loaded, query=query, partitions=1), VALIDATION)
    assert fragment in str(refused.value) and "\n" not in str(refused.value)


def test_two_companies_of_one_ticker_are_refused(loaded):
    query = "SELECT ticker, sector FROM marketcast.companies UNION ALL SELECT 'IBM', 'x'"
    with pytest.raises(InputError, match="postgres:companies must name each ticker once, got IBM again"):
        read_panel(make_source(loaded, metadata_query=query), VALIDATION)


@pytest.fixture(name="trouble")
def fixture_trouble(loaded, change, monkeypatch):
    """A source whose connection the server ends in a copy, some times; each pause counts down."""
    change(
        "CREATE TABLE trouble AS SELECT 0 AS times;"
        "CREATE FUNCTION lose() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
        "IF current_query() LIKE 'COPY%' AND (SELECT times FROM trouble) > 0 THEN "
        "PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN true; END $$"
    )
    monkeypatch.setattr(
        "components.database.connection.time.sleep", lambda _: change("UPDATE trouble SET times = times - 1")
    )
    query = "SELECT * FROM marketcast.bars WHERE date <> '2005-06-01' OR ticker <> 'IBM' OR lose()"
    return make_source(loaded, query=query, partitions=1)


def test_a_lost_connection_resumes_from_the_parts_start(trouble, change):
    [part] = parts.list_parts(trouble)
    expected = parts.read_rows(part, trouble)
    change("UPDATE trouble SET times = 2")
    assert parts.read_rows(part, trouble).equals(expected)
    assert change("SELECT times FROM trouble") == [(0,)]


def test_a_connection_that_is_always_lost_ends_clean(trouble, change):
    change("UPDATE trouble SET times = 1000")
    with pytest.raises(DatabaseError, match="must last, got it lost 4 times") as lost:
        read_panel(trouble, VALIDATION)
    assert "\n" not in str(lost.value)


def test_a_range_is_read_by_the_index(loaded, change):
    """What the server does for one ticker must not grow with the number of tickers."""
    source = make_source(loaded, partitions=8)
    part = parts.list_parts(source)[-1]
    change("ANALYZE marketcast.bars")
    with connect(loaded) as connection:
        connection.execute("SET enable_seqscan = off")
        selected = bars_reader._select(source, sql.SQL("source_row.*"), part)
        plan = connection.execute(sql.SQL("EXPLAIN {}").format(selected)).fetchall()
    assert any("Index Cond" in line and "ticker" in line for (line,) in plan)


def test_a_column_that_is_there_twice_is_refused(loaded):
    columns = "ticker, date, open, high, low, volume, close"
    source = make_source(
        loaded, query=f"SELECT *, close * 2 AS close FROM (SELECT {columns} FROM marketcast.bars) x"
    )
    with pytest.raises(InputError, match=r"postgres:bars\[.* must name each column once, got close twice"):
        read_panel(source, VALIDATION)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT ticker, sector, 'z' AS sector FROM marketcast.companies", "got sector twice"),
        ("SELECT FROM marketcast.companies", "must be a table with a header"),
        ("SELECT NULL::text AS ticker, 'x' AS sector", "must name a ticker in each row, got none in line 1"),
    ],
)
def test_companies_that_are_none(loaded, query, message):
    with pytest.raises(InputError, match=f"postgres:companies .*{message}"):
        bars_reader.read_sectors(make_source(loaded, metadata_query=query))


def test_a_column_of_the_name_that_rows_have_here_hides_no_change(loaded, change):
    source = make_source(loaded, query="SELECT *, 1 AS source_row FROM marketcast.bars")
    before = bars_reader.fingerprint(source)
    change("UPDATE marketcast.bars SET close = close + 0.01 WHERE ticker = 'IBM'")
    assert bars_reader.fingerprint(source) != before
