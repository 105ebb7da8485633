"""A lake's history against a plain dictionary for each day, whatever was done to it."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

import hypothesis
from hypothesis import strategies as st

from components.errors import InputError
from components.lake import bar_rows, compacting, publishing, reading
from components.lake.storage import Storage
from tests.components.lake.lakes import add, list_days, make_rows, read_lake, withdraw

KNOWN = list_days("2021-01-10", 9)
KEYS = [(ticker, day) for ticker in ("A", "B", "C") for day in ("2020-12-30", "2020-12-31", "2021-01-04")]
BARS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from([10.0, 11.0]), min_size=1, max_size=5)
KINDS = ["append", "append", "correct", "withdraw", "compact"]
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, 2), BARS)


@hypothesis.settings(max_examples=30, deadline=None, derandomize=True)
@hypothesis.given(st.lists(STEP, min_size=1, max_size=7))
def test_every_day_reads_as_it_was_known(steps: list[tuple[str, int, dict[Any, float]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = pathlib.Path(folder, "lake")
        today, bars, known = 0, {}, {}
        for kind, num_days, given in steps:
            today = min(today + num_days, len(KNOWN) - 1)
            bars = _do(lake, kind, given, KNOWN[today], bars)
            if bars:
                known[today] = bars
                assert read_lake(lake) == bars
        for day, asked in enumerate(KNOWN):
            earlier = [known[one] for one in sorted(known) if one <= day]
            if earlier:
                assert read_lake(lake, asked) == earlier[-1]


def _do(lake: pathlib.Path, kind: str, given: dict[Any, float], known_on: str, bars: Any) -> dict[Any, float]:
    """Does it to the lake; returns what the lake must hold then."""
    if kind == "compact":
        if bars:
            _compact(lake, bars)
        return dict(bars)
    if kind == "withdraw":
        return _withdraw(lake, given, known_on, bars)
    merged = {**bars, **given}
    may_change = kind == "correct"
    if not may_change and any(bars.get(key, value) != value for key, value in given.items()):
        try:
            add(lake, given, known_on)
        except InputError as error:
            assert "must not change by an append" in str(error)
            return dict(bars)
        raise AssertionError("a bar was changed by an append")
    assert add(lake, given, known_on, may_change) == (merged != bars)
    return merged


def _withdraw(lake: pathlib.Path, given: Any, known_on: str, bars: Any) -> dict[Any, float]:
    left = {key: value for key, value in bars.items() if key not in given}
    try:
        assert withdraw(lake, given, known_on) == len(bars) - len(left)
    except InputError as error:
        assert str(error).startswith("--withdraw must leave" if bars else f"{lake} must hold bars")
        assert not left
        return dict(bars)
    assert left
    return left


def _compact(lake: pathlib.Path, bars: dict[Any, float]) -> None:
    storage = Storage(str(lake))
    before = reading.read_snapshot(storage)
    after, _ = publishing.publish(storage, lambda it: compacting.draft_compaction(storage, it))
    assert all(len(own) <= 1 for own in after.partitions.values())
    assert after.fingerprint == before.fingerprint == make_rows(bars).fingerprint()
    assert bar_rows.to_hex(after.fingerprint) == bar_rows.to_hex(before.fingerprint)
    publishing.publish(storage, lambda it: compacting.draft_compaction(storage, it))
