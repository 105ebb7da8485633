"""The Beam executor on the shipped data: what the written examples prove."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components import contract
from components.errors import ConfigError, InputError
from components.ingest import sources
from components.ingest.bars import ValidationConfig, day_number
from components.ingest.chunks import ChunkConfig, cut_chunks
from components.ingest.panel import read_panel
from components.ingest.source_config import SourceConfig
from tests.components.ingest.shipped import SHIPPED_CHUNKS, SHIPPED_SOURCE
from tests.fixtures import bad_bars

pytestmark = pytest.mark.tf

STARTS = {
    contract.TRAIN_SPLIT: (-math.inf, day_number(SHIPPED_CHUNKS.eval_start)),
    contract.EVAL_SPLIT: (day_number(SHIPPED_CHUNKS.eval_start), day_number(SHIPPED_CHUNKS.test_start)),
    contract.TEST_SPLIT: (day_number(SHIPPED_CHUNKS.test_start), math.inf),
}
"""First day of each split and of the next."""
MAX_STORAGE_RATIO = 1.6


@pytest.fixture(name="ingest", scope="module")
def fixture_ingest() -> ModuleType:
    from tests.components.ingest import ingest_run

    return ingest_run


@pytest.fixture(name="written", scope="module")
def fixture_written(ingest: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return ingest.run_ingest(tmp_path_factory.mktemp("ingest"))


def _floats(example: Any, name: str) -> np.ndarray:
    return np.asarray(example.features.feature[name].float_list.value, np.float32)


def _text(example: Any, name: str) -> str:
    return example.features.feature[name].bytes_list.value[0].decode()


def _dates(example: Any) -> np.ndarray:
    return np.asarray(example.features.feature[contract.DATE].int64_list.value)


def _mask(example: Any) -> np.ndarray:
    return _floats(example, contract.LABEL_MASK).reshape(-1, len(contract.HORIZONS))


def test_no_target_day_is_in_two_splits_and_none_is_lost(written: Any) -> None:
    seen: dict[tuple[str, int], str] = {}
    for split in contract.SPLITS:
        first, after = STARTS[split]
        for example in written.read(split):
            ticker = _text(example, contract.TICKER)
            for day in _dates(example)[contract.LOOKBACK :].tolist():
                assert (ticker, day) not in seen
                assert first <= day < after
                seen[ticker, day] = split
    table = pd.read_csv(SHIPPED_SOURCE.path)
    expected = {
        (ticker, day_number(date))
        for ticker, own in table.groupby("ticker")
        for date in own["date"].sort_values()[contract.LOOKBACK :]
    }
    assert seen.keys() == expected


def test_labels_are_returns_of_the_raw_file_and_none_reaches_into_another_split(written: Any) -> None:
    """The purge, proven against the raw file and the dates alone."""
    table = pd.read_csv(SHIPPED_SOURCE.path)
    table["day"] = [day_number(date) for date in table["date"]]
    num_purged = num_unknown = 0
    for ticker, own in table.sort_values("day").groupby("ticker"):
        days, adj_close = own["day"].to_numpy(), own["adj_close"].to_numpy()
        for split in contract.SPLITS:
            for example in (e for e in written.read(split) if _text(e, contract.TICKER) == ticker):
                targets = np.searchsorted(days, _dates(example)[contract.LOOKBACK :])
                label = _floats(example, contract.LABEL).reshape(-1, len(contract.HORIZONS))
                for column, horizon in enumerate(contract.HORIZONS):
                    ends = targets + horizon
                    known = ends < len(days)
                    end_days = days[np.minimum(ends, len(days) - 1)]
                    inside = (STARTS[split][0] <= end_days) & (end_days < STARTS[split][1])
                    np.testing.assert_array_equal(_mask(example)[:, column], known & inside)
                    num_unknown += int(np.sum(~known))
                    num_purged += int(np.sum(known & ~inside))
                    real = known & inside
                    expected = np.log(adj_close[ends[real]] / adj_close[targets[real]])
                    np.testing.assert_allclose(label[real, column], expected, rtol=1e-5, atol=1e-7)
                    np.testing.assert_array_equal(label[~real, column], 0.0)
    # 1 + 2 + .. + 5 labels of each of four tickers, at two borders and at the end of the data.
    assert (num_purged, num_unknown) == (15 * 4 * 2, 15 * 4)


def test_stored_bars(written: Any) -> None:
    examples = [example for split in contract.SPLITS for example in written.read(split)]
    stored = sum(len(_dates(example)) for example in examples)
    table = pd.read_csv(SHIPPED_SOURCE.path)
    beyond = (table["ticker"].value_counts() - contract.LOOKBACK).clip(lower=0).sum()
    assert stored / beyond <= MAX_STORAGE_RATIO
    report = json.loads((pathlib.Path(written.report.uri) / "ingest_report.json").read_text())
    assert report["storage_ratio"] == round(stored / beyond, 4)


def test_beam_writes_what_the_pure_functions_cut(ingest: ModuleType, written: Any) -> None:
    panel = read_panel(SHIPPED_SOURCE, ValidationConfig())
    chunks = [chunk for bars in panel.bars.values() for chunk in cut_chunks(bars, SHIPPED_CHUNKS)]
    for split in contract.SPLITS:
        expected = [ingest.encode_chunk(chunk) for chunk in chunks if chunk.split == split]
        assert [e.SerializeToString(deterministic=True) for e in written.read(split)] == expected


def test_same_input_gives_the_same_bytes(ingest: ModuleType, written: Any, tmp_path: pathlib.Path) -> None:
    again = ingest.run_ingest(tmp_path)
    assert again.files() == written.files()
    assert sorted(again.files()) == [
        "examples/Split-eval/data_tfrecord-00000-of-00001.gz",
        "examples/Split-test/data_tfrecord-00000-of-00001.gz",
        "examples/Split-train/data_tfrecord-00000-of-00001.gz",
        "report/ingest_report.json",
        "report/quarantine.csv",
    ]


def test_order_of_rows_and_division_into_files_do_not_matter(
    ingest: ModuleType, written: Any, tmp_path: pathlib.Path
) -> None:
    table = pd.read_csv(SHIPPED_SOURCE.path, dtype=str, keep_default_na=False)
    parts = tmp_path / "parts"
    parts.mkdir()
    for index, part in enumerate(np.array_split(np.random.default_rng(1).permutation(len(table)), 3)):
        table.iloc[part].to_csv(parts / f"{index}.csv", index=False)
    source = dataclasses.replace(SHIPPED_SOURCE, path=str(parts))
    files = ingest.run_ingest(tmp_path, source).files()
    examples = {name: digest for name, digest in written.files().items() if name.startswith("examples/")}
    assert {name: digest for name, digest in files.items() if name in examples} == examples


def test_shards_hold_the_same_examples(ingest: ModuleType, written: Any, tmp_path: pathlib.Path) -> None:
    sharded = ingest.run_ingest(tmp_path, chunks=dataclasses.replace(SHIPPED_CHUNKS, num_shards=7))
    assert len(sharded.files()) == 7 * len(contract.SPLITS) + 2
    for split in contract.SPLITS:
        one, many = (
            {e.SerializeToString(deterministic=True) for e in w.read(split)} for w in (written, sharded)
        )
        assert one == many


def test_artifact_properties(written: Any) -> None:
    examples = written.examples
    assert json.loads(examples.split_names) == list(contract.SPLITS)
    assert examples.span == 20130301
    assert examples.get_string_custom_property("input_fingerprint") == sources.fingerprint(SHIPPED_SOURCE)
    assert examples.get_string_custom_property("first_date") == "2000-03-01"
    assert examples.get_string_custom_property("last_date") == "2013-03-01"
    assert examples.get_int_custom_property("num_bars") == 12154
    assert examples.get_int_custom_property("num_quarantined") == 196
    for split in contract.SPLITS:
        own = written.read(split)
        assert examples.get_int_custom_property(f"{split}_num_chunks") == len(own)
        num_days = sum(len(_mask(example)) for example in own)
        assert examples.get_int_custom_property(f"{split}_num_target_days") == num_days


def test_quarantine_file(written: Any) -> None:
    table = pd.read_csv(pathlib.Path(written.report.uri) / "quarantine.csv", dtype=str)
    shipped = pd.read_csv(SHIPPED_SOURCE.path, dtype=str)
    facebook = shipped[shipped["ticker"] == "FB"].reset_index(drop=True)
    pd.testing.assert_frame_equal(table[shipped.columns], facebook)
    assert table["line"].astype(int).tolist() == (shipped.index[shipped["ticker"] == "FB"] + 2).tolist()
    assert set(table["file"]) == {SHIPPED_SOURCE.path}
    assert table["reason"].str.startswith("short_history: ").all()


def test_as_of_equals_a_file_that_ends_there(ingest: ModuleType, tmp_path: pathlib.Path) -> None:
    table = pd.read_csv(SHIPPED_SOURCE.path, dtype=str)
    path = tmp_path / "stock_prices.csv"
    table[table["date"] <= "2012-06-29"].to_csv(path, index=False)
    cut = ingest.run_ingest(tmp_path / "cut", dataclasses.replace(SHIPPED_SOURCE, path=str(path)))
    as_of = ingest.run_ingest(
        tmp_path / "as_of", chunks=dataclasses.replace(SHIPPED_CHUNKS, as_of="2012-06-29")
    )
    for split in contract.SPLITS:
        one, other = ([e.SerializeToString(deterministic=True) for e in w.read(split)] for w in (cut, as_of))
        assert one == other
    assert as_of.examples.span == 20120629


@pytest.mark.parametrize("name", ["missing_column", "unadjusted_split", "no_file"])
def test_refusal_is_one_error_and_leaves_nothing(
    ingest: ModuleType, name: str, tmp_path: pathlib.Path
) -> None:
    bad = next(bad for bad in bad_bars.BAD_INPUTS if bad.name == name)
    source = SourceConfig(str(bad.write(tmp_path)), "")
    with pytest.raises(InputError) as refusal:
        ingest.run_ingest(tmp_path / "out", source)
    assert all(fragment in str(refusal.value) for fragment in bad.fragments)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_input_that_changed_since_the_start_is_refused(ingest: ModuleType, tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="run again"):
        ingest.run_ingest(tmp_path, fingerprint="0" * 64)
    assert ingest.run_ingest(tmp_path, fingerprint=ingest.BarsExampleGen.fingerprint(SHIPPED_SOURCE)).files()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"as_of": "2010-13-01"}, r"chunks\.as_of must be a day"),
        ({"data": ""}, r"source\.path must name a file"),
        ({"known_on": "soon"}, r"source\.known_on must be a day"),
    ],
)
def test_what_a_run_was_given_wrongly_is_one_error(changed: dict[str, str], complaint: str) -> None:
    from components.ingest.component import BarsExampleGen
    from components.ingest.executor import read_config

    component = BarsExampleGen(SourceConfig(), ValidationConfig(), ChunkConfig())
    with pytest.raises(ConfigError, match=complaint):
        read_config({**component.exec_properties, **changed})
