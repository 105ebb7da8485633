"""Files, column names, fingerprints and metadata."""

from __future__ import annotations

import errno
import gzip
import os
import pathlib
import shutil
from collections.abc import Callable

import pandas as pd
import pytest

from components import object_store
from components.errors import InputError
from components.ingest import companies, sources, tables
from components.ingest.actions import read_actions
from components.ingest.source_config import SourceConfig

HEADER = "ticker,date,open,high,low,close,adj_close,volume\n"
BAR = "NA,2000-01-03,1,2,0.5,1.5,1.25,100\n"


def _write(path: pathlib.Path, text: str = HEADER + BAR) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _config(path: pathlib.Path | str, **columns: str) -> SourceConfig:
    return SourceConfig(str(path), "", columns)


def test_folder_is_searched_through_in_order_without_hidden_files(tmp_path: pathlib.Path) -> None:
    for name in ("b.csv", "a/c.CSV", "a/b.parquet", "_success.csv", ".x.csv", "notes.txt"):
        _write(tmp_path / name)
    found = sources.list_files(_config(tmp_path))
    assert [str(pathlib.Path(f).relative_to(tmp_path)) for f in found] == ["a/b.parquet", "a/c.CSV", "b.csv"]


def test_a_subfolder_that_cannot_be_read_is_named(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.csv", "2001/b.csv", ".hidden/c.csv"):
        _write(tmp_path / name)
    locked = {str(tmp_path / "2001"), str(tmp_path / ".hidden")}
    scan = os.scandir

    def scandir(path: str) -> object:
        if str(path) in locked:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match=r"source\.path must be .* got \S+/2001: Permission denied"):
        sources.list_files(_config(tmp_path))
    locked.remove(str(tmp_path / "2001"))
    assert len(sources.list_files(_config(tmp_path))) == 2


def test_glob_and_single_file(tmp_path: pathlib.Path) -> None:
    first, second = _write(tmp_path / "x1.csv"), _write(tmp_path / "x2.csv")
    _write(tmp_path / "y.csv")
    assert sources.list_files(_config(tmp_path / "x*.csv")) == [str(first), str(second)]
    assert sources.list_files(_config(first)) == [str(first)]


def test_a_name_given_for_adj_close_must_be_there(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "bars.csv")
    with pytest.raises(InputError, match="must have the column Adj Close"):
        sources.read_rows(str(path), _config(path, adj_close="Adj Close"))


def test_nothing_there_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"source.path must lead to files"):
        sources.list_files(_config(tmp_path))


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz"])
def test_a_nul_which_pandas_cuts_a_text_at_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    text = (HEADER + BAR + BAR.replace("NA", "NA\0")).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    path = str(tmp_path / name)
    with pytest.raises(
        InputError, match=f"{name}, line 3 must be UTF-8 text without NUL characters, got one; "
    ):
        sources.read_rows(path, _config(path))
    with pytest.raises(InputError, match=f"{name}, line 3 must"):
        list(sources.read_row_blocks(path, _config(path)))


def test_lines_are_those_of_the_file_and_na_is_a_ticker(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "bars.csv", HEADER + BAR + "\n" + BAR.replace("NA", "B") + "\n\n")
    rows = sources.read_rows(str(path), _config(path))
    assert rows.index.tolist() == [2, 4]
    assert rows["ticker"].tolist() == ["NA", "B"]


def test_numbers_are_read_exactly(tmp_path: pathlib.Path) -> None:
    text = "0.1234567890123456789"
    path = _write(tmp_path / "bars.csv", HEADER + BAR.replace("1.25", text))
    assert sources.read_rows(str(path), _config(path))["adj_close"].tolist() == [float(text)]


def test_byte_order_mark_and_gzip(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(gzip.compress(("\ufeff" + HEADER + BAR).encode()))
    assert sources.read_rows(str(path), _config(path))["close"].tolist() == [1.5]


def test_parquet_rows_count_from_one(tmp_path: pathlib.Path) -> None:
    table = pd.read_csv(_write(tmp_path / "bars.csv"), keep_default_na=False, parse_dates=["date"])
    table.to_parquet(tmp_path / "bars.parquet")
    path = tmp_path / "bars.parquet"
    rows = sources.read_rows(str(path), _config(path))
    assert rows.index.tolist() == [1]
    assert rows["close"].tolist() == [1.5]


def test_column_names_are_mapped_and_adj_close_is_optional(tmp_path: pathlib.Path) -> None:
    path = _write(
        tmp_path / "b.csv", "Symbol,Day,open,high,low,Last,volume,extra\nA,2000-01-03,1,2,1,1.5,9,x\n"
    )
    config = _config(path, ticker="Symbol", date="Day", close="Last")
    rows = sources.read_rows(str(path), config)
    assert rows.columns.tolist() == ["ticker", "date", "open", "high", "low", "close", "volume"]
    original = sources.read_original(str(path), {2})
    assert original["extra"].tolist() == ["x"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"cloze": "Close"}, "must map names among .*, got cloze"),
        ({"close": "adj_close"}, "a name of its own, got adj_close twice"),
    ],
)
def test_column_map_is_checked(columns: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SourceConfig("bars.csv", "", columns)


def test_missing_file_names_itself() -> None:
    with pytest.raises(InputError, match=r"nothing.csv must be a readable file"):
        sources.read_rows("nothing.csv", _config("nothing.csv"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *(
            (f"m.{end}", "must end in .csv, .csv.gz, .parquet, .pq")
            for end in ("zip", "csv.zst", "xz", "tar")
        ),
        ("m", "must end in .csv, .csv.gz, .parquet, .pq"),
        ("s3://bucket/m.csv", "must be a file of this machine"),
        *((f"https://127.0.0.1:1/m.{end}", "must be a file of this machine") for end in ("csv", "parquet")),
    ],
)
@pytest.mark.parametrize("read", [companies.read_sectors, read_actions, tables.read_table])
def test_files_that_no_reader_takes_are_refused_by_name(
    read: Callable[[str], object],
    name: str,
    message: str,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(object_store, "read_object")  # It would ask the network for credentials.
    file = name if "://" in name else str(_write(tmp_path / name))
    with pytest.raises(InputError, match=f"^{file} {message}"):
        read(file)


def test_a_gzipped_file_may_shout(tmp_path: pathlib.Path) -> None:
    (tmp_path / "M.CSV.GZ").write_bytes(gzip.compress(b"ticker,sector\nA,Energy\n"))
    assert companies.read_sectors(str(tmp_path / "M.CSV.GZ")) == {"A": "Energy"}


def test_fingerprint_sees_bars_metadata_names_and_columns_but_not_the_place(tmp_path: pathlib.Path) -> None:
    metadata = _write(tmp_path / "metadata.csv", "ticker,sector\nNA,Energy\n")
    _write(tmp_path / "one" / "a.csv")
    _write(tmp_path / "one" / "b.csv")
    config = SourceConfig(str(tmp_path / "one"), str(metadata))
    first = sources.fingerprint(config)
    assert first == sources.fingerprint(config)

    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert sources.fingerprint(SourceConfig(str(tmp_path / "two"), str(metadata))) == first

    seen = {first}
    for change in (
        SourceConfig(str(tmp_path / "one"), ""),
        SourceConfig(str(tmp_path / "one"), str(metadata), {"close": "Close"}),
        SourceConfig(str(tmp_path / "one" / "a.csv"), str(metadata)),
    ):
        seen.add(sources.fingerprint(change))
    (tmp_path / "one" / "b.csv").rename(tmp_path / "one" / "c.csv")
    seen.add(sources.fingerprint(config))
    _write(tmp_path / "one" / "c.csv", HEADER + BAR.replace("1.25", "1.26"))
    seen.add(sources.fingerprint(config))
    _write(metadata, "ticker,sector\nNA,Utilities\n")
    seen.add(sources.fingerprint(config))
    assert len(seen) == 7


def test_sectors(tmp_path: pathlib.Path) -> None:
    path = _write(tmp_path / "m.csv", "ticker,name,sector\n A ,Alpha,Energy\nB,Beta,\n")
    assert companies.read_sectors(str(path)) == {"A": "Energy", "B": "unknown"}
    assert companies.read_sectors("") == {}


@pytest.mark.parametrize(
    "read",
    [companies.read_sectors, lambda path: sources.digest_others(SourceConfig("x", path))],
)
def test_metadata_that_are_not_there_are_called_by_their_key(read: Callable[[str], object]) -> None:
    with pytest.raises(
        InputError, match=r"^source\.metadata_path must name a file that is there, got none\.csv; "
    ):
        read("none.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ticker,name\nA,Alpha\n", "must have the column sector"),
        ("ticker,sector\nA,x\nB,y\nA,x\n", "got A again in line 4"),
    ],
)
def test_bad_metadata_is_refused(tmp_path: pathlib.Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        companies.read_sectors(str(_write(tmp_path / "m.csv", text)))
