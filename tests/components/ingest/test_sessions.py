"""Sessions without bars and bars without sessions, on small made-up calendars."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingest.sessions import Gap, Sessions, TickerGaps, find_gaps, is_session

SESSIONS = Sessions("XTST", np.array([1, 2, 3, 6, 7, 8, 9], np.int64))


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ([2, 7, 9], TickerGaps("A", 3, 2, Gap(2, 3, 6))),
        ([1, 2, 3, 6, 7, 8, 9], TickerGaps("A", 0, 0, None)),
        ([3, 6], TickerGaps("A", 0, 0, None)),
        ([8], TickerGaps("A", 0, 0, None)),
        ([1, 3, 7, 9], TickerGaps("A", 3, 3, Gap(1, 2, 2))),
        ([1, 9], TickerGaps("A", 5, 1, Gap(5, 2, 8))),
    ],
)
def test_gaps_by_hand(dates: list[int], expected: TickerGaps) -> None:
    assert find_gaps("A", np.array(dates), SESSIONS) == expected


@given(st.sets(st.integers(1, 60), min_size=1), st.data())
@settings(deadline=None, max_examples=200)
def test_the_slow_way_gives_the_same(sessions: set[int], data: st.DataObject) -> None:
    dates = sorted(data.draw(st.sets(st.sampled_from(sorted(sessions)), min_size=1)))
    runs: list[list[int]] = []
    is_open = False
    for day in sorted(sessions):
        is_missing = dates[0] < day < dates[-1] and day not in dates
        if is_missing:
            runs = [*runs[:-1], [*runs[-1], day]] if is_open else [*runs, [day]]
        is_open = is_missing
    longest = max(runs, key=len, default=[])
    gap = Gap(len(longest), longest[0], longest[-1]) if longest else None
    found = find_gaps("A", np.array(dates), Sessions("XTST", np.array(sorted(sessions))))
    assert found == TickerGaps("A", sum(map(len, runs)), len(runs), gap)


def test_days_are_told_apart() -> None:
    assert is_session(np.array([1, 4, 5, 9]), SESSIONS).tolist() == [True, False, False, True]


def test_a_calendar_covers_what_lies_between_its_first_and_last_session() -> None:
    assert SESSIONS.covers(np.array([1, 9])) and SESSIONS.covers(np.array([], np.int64))
    assert not SESSIONS.covers(np.array([0, 9]))
    assert not SESSIONS.covers(np.array([1, 10]))
    assert SESSIONS.describe() == "XTST, 1970-01-02 to 1970-01-10"
