"""Ranges of tickers that weigh about the same."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.database.ranges import cut_ranges


@pytest.mark.parametrize(
    ("weights", "num_ranges", "expected"),
    [
        ([1, 1, 1, 3], 2, ["abc", "d"]),
        ([5, 1, 1, 1], 2, ["a", "bcd"]),
        ([1, 1], 8, ["a", "b"]),
        ([1, 1, 1], 1, ["abc"]),
        ([9], 3, ["a"]),
    ],
)
def test_by_hand(weights, num_ranges, expected):
    assert ["".join(own) for own in cut_ranges("abcd"[: len(weights)], weights, num_ranges)] == expected


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=50), st.integers(1, 20))
def test_nothing_is_lost_and_none_is_empty(weights, num_ranges):
    items = list(range(len(weights)))
    ranges = cut_ranges(items, weights, num_ranges)
    assert list(itertools.chain(*ranges)) == items
    assert len(ranges) <= num_ranges and all(ranges)
