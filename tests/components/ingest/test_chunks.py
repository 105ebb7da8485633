"""Cutting, splitting, purging: against a slow reference, and properties that must hold for any bars."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components import contract
from components.ingest.bars import TickerBars, iso_date
from components.ingest.chunks import Chunk, ChunkConfig, cut_chunks, make_labels

Target = tuple[int, int]
"""Day number and horizon."""


def _bars(num_bars: int, seed: int = 0) -> TickerBars:
    """Random bars on random days, some of them weeks apart."""
    rng = np.random.default_rng(seed)
    dates = 10_000 + np.cumsum(rng.choice([1, 1, 1, 1, 3, 4, 20], num_bars))
    columns = {name: np.exp(np.cumsum(rng.normal(0.0, 0.02, num_bars))) for name in contract.BAR_COLUMNS}
    return TickerBars("A", "Energy", dates, **columns)


def _split_of(day: int, config: ChunkConfig) -> str:
    date = iso_date(day)
    if date < config.eval_start:
        return contract.TRAIN_SPLIT
    return contract.EVAL_SPLIT if date < config.test_start else contract.TEST_SPLIT


def _reference(bars: TickerBars, config: ChunkConfig) -> dict[Target, tuple[str, float, float]]:
    """Every target of the bars, one by one: (day, horizon) -> split, label, mask."""
    targets = {}
    for today in range(contract.LOOKBACK, len(bars)):
        split = _split_of(bars.dates[today], config)
        for horizon in contract.HORIZONS:
            then = today + horizon
            label, mask = 0.0, 0.0
            if then < len(bars) and _split_of(bars.dates[then], config) == split:
                label, mask = math.log(bars.adj_close[then] / bars.adj_close[today]), 1.0
            targets[int(bars.dates[today]), horizon] = (split, label, mask)
    return targets


def _targets(chunks: list[Chunk]) -> dict[Target, tuple[str, float, float]]:
    """What the chunks hold, in the reference's form; a target held twice is an error."""
    targets: dict[Target, tuple[str, float, float]] = {}
    for chunk in chunks:
        days = chunk.bars.dates[contract.LOOKBACK :]
        assert chunk.label.shape == chunk.label_mask.shape == (len(days), len(contract.HORIZONS))
        for row, day in enumerate(days):
            for column, horizon in enumerate(contract.HORIZONS):
                assert (int(day), horizon) not in targets
                label, mask = chunk.label[row, column], chunk.label_mask[row, column]
                targets[int(day), horizon] = (chunk.split, float(label), float(mask))
    return targets


@st.composite
def _cases(draw: st.DrawFn) -> tuple[TickerBars, ChunkConfig]:
    """Bars of any length, and cuts anywhere: before, within and after them."""
    bars = _bars(draw(st.integers(1, 700)), draw(st.integers(0, 9)))
    first, last = int(bars.dates[0]), int(bars.dates[-1])
    eval_day = draw(st.integers(first - 10, last + 10))
    test_day = eval_day + draw(st.integers(1, 500))
    chunk_days = draw(st.integers(1, 300))
    return bars, ChunkConfig(chunk_days, iso_date(eval_day), iso_date(test_day))


def test_the_example_of_the_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "LOOKBACK", 3)
    days = np.arange(12)
    columns = dict.fromkeys(contract.BAR_COLUMNS, 2.0**days)
    config = ChunkConfig(chunk_days=4, eval_start="1970-01-09", test_start="1970-01-11")
    chunks = cut_chunks(TickerBars("A", "x", days, **columns), config)
    assert [(chunk.split, chunk.bars.dates.tolist()) for chunk in chunks] == [
        ("train", [0, 1, 2, 3, 4, 5, 6]),
        ("train", [4, 5, 6, 7]),
        ("eval", [5, 6, 7, 8, 9]),
        ("test", [7, 8, 9, 10, 11]),
    ]
    first = chunks[0]
    assert first.num_target_days == 4
    # Day 3 may look at days 4..7; day 8 is another split's. The price doubles daily.
    assert first.label_mask.tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]]
    log_2 = math.log(2.0)
    np.testing.assert_allclose(first.label[0], [log_2, 2 * log_2, 3 * log_2, 4 * log_2, 0.0], rtol=1e-6)
    assert chunks[2].label_mask.tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


@settings(max_examples=60, deadline=None)
@given(_cases())
def test_targets_equal_the_slow_reference(case: tuple[TickerBars, ChunkConfig]) -> None:
    bars, config = case
    expected, got = _reference(bars, config), _targets(cut_chunks(bars, config))
    assert got.keys() == expected.keys()
    for target, (split, label, mask) in expected.items():
        assert (got[target][0], got[target][2]) == (split, mask)
        assert got[target][1] == pytest.approx(label, rel=1e-6, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(_cases())
def test_a_chunk_is_a_run_of_bars_and_overlaps_others_in_context_only(
    case: tuple[TickerBars, ChunkConfig],
) -> None:
    bars, config = case
    seen: list[int] = []
    for chunk in cut_chunks(bars, config):
        start = int(np.searchsorted(bars.dates, chunk.bars.dates[0]))
        for name in ("dates", *contract.BAR_COLUMNS):
            whole = getattr(bars, name)[start : start + len(chunk.bars)]
            np.testing.assert_array_equal(getattr(chunk.bars, name), whole)
        assert 1 <= chunk.num_target_days <= config.chunk_days
        assert len(chunk.bars) == contract.LOOKBACK + chunk.num_target_days
        seen += chunk.bars.dates[contract.LOOKBACK :].tolist()
    assert seen == bars.dates[contract.LOOKBACK :].tolist()


@settings(max_examples=60, deadline=None)
@given(_cases())
def test_no_real_label_reaches_over_a_border(case: tuple[TickerBars, ChunkConfig]) -> None:
    bars, config = case
    position = {int(day): index for index, day in enumerate(bars.dates)}
    for (day, horizon), (split, label, mask) in _targets(cut_chunks(bars, config)).items():
        if mask:
            assert _split_of(bars.dates[position[day] + horizon], config) == split
        else:
            assert label == 0.0


@settings(max_examples=40, deadline=None)
@given(_cases(), st.floats(0.0, 1.0))
def test_later_bars_change_nothing_before_them(case: tuple[TickerBars, ChunkConfig], share: float) -> None:
    bars, config = case
    last = int(share * (len(bars) - 1))
    noise = np.random.default_rng(1).uniform(0.5, 2.0, len(bars) - last - 1)
    changed = {}
    for name in contract.BAR_COLUMNS:
        values = getattr(bars, name).copy()
        values[last + 1 :] *= noise
        changed[name] = values
    before, after = cut_chunks(bars, config), cut_chunks(dataclasses.replace(bars, **changed), config)
    for old, new in zip(before, after, strict=True):
        num_known = int(np.sum(old.bars.dates <= bars.dates[last]))
        for name in contract.BAR_COLUMNS:
            kept = getattr(new.bars, name)[:num_known]
            np.testing.assert_array_equal(getattr(old.bars, name)[:num_known], kept)
        days_left = num_known - contract.LOOKBACK - np.arange(1, old.num_target_days + 1)
        is_known = days_left[:, None] >= np.asarray(contract.HORIZONS)
        np.testing.assert_array_equal(old.label_mask, new.label_mask)
        np.testing.assert_array_equal(old.label[is_known], new.label[is_known])


@settings(max_examples=40, deadline=None)
@given(_cases(), st.floats(0.0, 1.0))
def test_truncated_history_gives_the_same_up_to_its_end(
    case: tuple[TickerBars, ChunkConfig], share: float
) -> None:
    bars, config = case
    num_bars = 1 + int(share * (len(bars) - 1))
    whole, short = cut_chunks(bars, config), cut_chunks(bars.slice(0, num_bars), config)
    known = _targets(whole)
    for target, (split, label, mask) in _targets(short).items():
        assert split == known[target][0]
        if mask:
            assert (split, label, mask) == known[target]
    for old, new in zip(whole, short, strict=False):
        np.testing.assert_array_equal(old.bars.dates[: len(new.bars)], new.bars.dates)
        np.testing.assert_array_equal(old.bars.close[: len(new.bars)], new.bars.close)


def test_labels_of_one_bar() -> None:
    label, mask = make_labels(_bars(1), ChunkConfig())
    assert label.tolist() == mask.tolist() == [[0.0] * len(contract.HORIZONS)]


def test_too_short_a_history_gives_no_chunk() -> None:
    assert cut_chunks(_bars(contract.LOOKBACK), ChunkConfig()) == []
    assert len(cut_chunks(_bars(contract.LOOKBACK + 1), ChunkConfig())) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chunk_days": 0}, "chunks.chunk_days must be at least 1, got 0"),
        ({"test_start": "1999-01-01"}, "chunks.test_start must be after eval_start"),
        ({"test_start": "01.01.2011"}, "chunks.test_start must be a day as 'YYYY-MM-DD'"),
        ({"as_of": "2012-02-30"}, "chunks.as_of must be a day as 'YYYY-MM-DD'"),
        ({"eval_start": "20070101"}, "chunks.eval_start must be a day as 'YYYY-MM-DD'"),
    ],
)
def test_config_is_checked(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(ChunkConfig(), **changes)
