"""Cuts a sorted list into ranges that weigh about the same."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def cut_ranges(items: Sequence[T], weights: Sequence[int], num_ranges: int) -> list[Sequence[T]]:
    """Cuts where the running weight comes nearest to equal shares.

    With weights 1 1 1 3 and two ranges:  [1 1 1] [3]

    Args:
      items: n, in order.
      weights: n, each at least 1.
      num_ranges: at most so many, at least 1.
    Returns:
      Ranges that together are `items`, none empty.
    """
    ends = np.cumsum(weights)
    shares = ends[-1] * np.arange(1, num_ranges) / num_ranges
    after = np.abs(ends[:, np.newaxis] - shares).argmin(axis=0) + 1
    borders = [0, *np.unique(after[after < len(items)]).tolist(), len(items)]
    return [items[start:stop] for start, stop in itertools.pairwise(borders)]
