"""Which versions may go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.model_sync.choice import choose_deleted

SETS = st.sets(st.integers(1, 8))


@pytest.mark.parametrize(
    ("whole", "listed", "always", "num_kept", "deleted"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], [], 3, [1]),
        ([1, 2, 3, 4], [1, 2, 3, 4], [1], 2, [2]),
        ([1, 2, 3], [1, 2, 3, 4, 5], [], 2, [1]),  # 4 and 5 are not here yet: 2 and 3 stand in for them
        ([1, 2, 3], [1, 2], [], 3, [3]),  # withdrawn from the source
        ([1, 2], [3], [], 3, []),  # nothing to put in their place
        ([1], [], [], 1, []),
        ([1, 2], [2], [1], 1, []),
    ],
)
def test_examples(whole, listed, always, num_kept, deleted):
    assert choose_deleted(whole, whole, listed, always, num_kept) == deleted


def test_a_damaged_version_counts_for_nothing_and_goes():
    assert choose_deleted([1, 2, 3], [1, 2], [1, 2, 3], [], 2) == [3]
    assert choose_deleted([3], [], [3], [], 2) == []


@given(SETS, SETS, SETS, SETS, st.integers(1, 4))
def test_rules(present, whole, listed, always, num_kept):
    whole &= present
    deleted = set(choose_deleted(present, whole, listed, always, num_kept))
    left = whole - deleted
    assert deleted <= present - always
    assert left or not whole, "never the only version"
    assert not deleted or listed & left, "something of the source takes its place"
    assert all(len({v for v in left & listed if v > gone}) >= num_kept for gone in deleted & whole & listed)
