"""Columns of types that pandas makes something else of, and columns that a file has twice."""

from __future__ import annotations

import gzip
import pathlib
import re
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import InputError
from components.ingest import rows, small_files, sources
from components.ingest.bars import ValidationConfig
from components.ingest.source_config import SourceConfig

SOURCE = SourceConfig("bars", "")
BINARY = (pa.binary(), pa.large_binary(), pa.binary(2), pa.dictionary(pa.int32(), pa.binary()))


def _write(folder: pathlib.Path, **columns: pa.Array) -> str:
    """Writes two bars, with some columns changed."""
    table = {
        "ticker": pa.array(["AB", "\u00c4"]),
        "date": pa.array(["2000-01-03", "2000-01-04"]),
        **{name: pa.array([1.0, 2.0]) for name in ("open", "high", "low", "close", "volume")},
    } | columns
    pq.write_table(pa.table(table), folder / "bars.parquet")
    return str(folder / "bars.parquet")


def _read_whole(file: str) -> pd.DataFrame:
    return sources.read_rows(file, SOURCE)


def _read_blocks(file: str) -> pd.DataFrame:
    return pd.concat(sources.read_row_blocks(file, SOURCE))


def _read_small(file: str) -> pd.DataFrame:
    small = small_files.read_small(file, file, SOURCE)
    return small_files.join([small], SOURCE).rows if small else _read_whole(file)


READERS = pytest.mark.parametrize("read", [_read_whole, _read_blocks, _read_small])
Reader = Callable[[str], pd.DataFrame]


@READERS
@pytest.mark.parametrize("kind", BINARY, ids=str)
def test_bytes_that_are_utf8_are_text(tmp_path: pathlib.Path, read: Reader, kind: pa.DataType) -> None:
    column = pa.array([b"AB", "\u00c4".encode()], kind)
    file = _write(tmp_path, ticker=column, date=pa.array([b"2000-01-03", b"2000-01-04"]))
    parsed = rows.parse_rows(read(file).assign(adj_close=1.0))
    assert parsed.tickers.tolist() == ["AB", "\u00c4"]
    assert parsed.days.astype(str).tolist() == ["2000-01-03", "2000-01-04"]
    assert sources.read_original(file, {1})["ticker"].tolist() == ["AB"]


@READERS
@pytest.mark.parametrize(
    ("column", "names"),
    [
        (pa.array([b"AB", b"\xff"], pa.binary()), ["AB", ""]),
        (pa.array([None, b"\xff"], pa.binary()), ["", ""]),
        (pa.array([600519, 1], pa.int32()), ["600519", "1"]),
        (pa.array([600519, None], pa.int64()), ["600519", ""]),
        (pa.array([600519, None], pa.uint64()), ["600519", ""]),
        (pa.array([600519.0, 1.0]), ["", ""]),
        (pa.array([["AB"], ["B"]]), ["", ""]),
        (pa.array([True, None]), ["", ""]),
        (pa.nulls(2), ["", ""]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_tickers_of_any_type(
    tmp_path: pathlib.Path, read: Reader, column: pa.Array, names: list[str]
) -> None:
    table = read(_write(tmp_path, ticker=column))
    assert rows.parse_rows(table.assign(adj_close=1.0)).tickers.tolist() == names


@READERS
@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv", "bars.csv.gz"])
def test_a_column_that_is_there_twice_is_refused(tmp_path: pathlib.Path, read: Reader, name: str) -> None:
    file = tmp_path / name
    table = pq.read_table(_write(tmp_path)).append_column("close", pa.array([3.0, 4.0]))
    if name == "bars.parquet":
        pq.write_table(table, file)
    else:
        header = ",".join(table.column_names)
        text = f"{header},,\nA,2000-01-03,1,2,0.5,1.5,9,1,,\n".encode()
        file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    with pytest.raises(InputError, match=f"{name} must name each column once, got close twice; "):
        read(str(file))


@READERS
def test_columns_without_a_name_may_be_several(tmp_path: pathlib.Path, read: Reader) -> None:
    file = tmp_path / "bars.csv"
    file.write_text("ticker,date,open,high,low,close,volume,,\nA,2000-01-03,1,2,0.5,1.5,9,,\n")
    assert read(str(file))["close"].tolist() == [1.5]


@READERS
@pytest.mark.parametrize(
    ("column", "shown"),
    [
        (pa.array([10959, -171664], pa.date32()), "1500-01-01"),
        (pa.array([946857600, 253402214400]).cast(pa.timestamp("s")), "9999-12-31 00:00:00"),
        (pa.array([946857600, 253402214400]).cast(pa.timestamp("s", "UTC")), r"9999-12-31 00:00:00\+00:00"),
        (pa.array([946857600000000, 253402214400000000]).cast(pa.timestamp("us")), "9999-12-31 00:00:00"),
        (pa.array([10959, 2**31 - 1], pa.int32()).cast(pa.date32()), ".*2147483647.*"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_day_that_pandas_cannot_hold_is_shown_as_it_is(
    tmp_path: pathlib.Path, read: Reader, column: pa.Array, shown: str
) -> None:
    table = read(_write(tmp_path, date=column))
    pieces, [finding] = rows.check_rows(table, "f.parquet", ValidationConfig(wrong_type="quarantine"))
    assert (finding.check, finding.lines) == ("bad_date", (2,))
    assert re.search(
        rf"line 2, column date: must be a day as YYYY-MM-DD, .* got '?{shown}'? \(", finding.messages[0]
    )
    assert [piece.dates.tolist() for piece in pieces.values()] == [[10959]]
