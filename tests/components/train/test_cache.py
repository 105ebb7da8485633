"""Chunks that stay in memory, and those that do not: what the network sees is the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from components import contract
from components.train.config import TrainConfig

pytestmark = pytest.mark.tf

NUM_BATCHES = 40
"""More than three passes over the shipped train split."""


@pytest.fixture(scope="module")
def train(prepared):
    from components.train.dataset import ChunkSource

    return ChunkSource([prepared.splits[contract.TRAIN_SPLIT]], prepared.transform)


def test_batches_are_the_same_with_and_without_a_cache(train):
    from components.train.dataset import is_cached, make_training_batches, make_validation_batches

    configs = [TrainConfig(shuffle_crops=16, cache_megabytes=limit) for limit in (0, 1024)]
    assert [is_cached(train, config) for config in configs] == [False, True]
    for make in (make_training_batches, make_validation_batches):
        anew, kept = (make(train, config).repeat().take(NUM_BATCHES) for config in configs)
        for batch, other in itertools.zip_longest(anew.as_numpy_iterator(), kept.as_numpy_iterator()):
            for part, other_part in zip(batch, other, strict=True):
                np.testing.assert_array_equal(part, other_part)


def test_without_cache_features_nothing_is_kept(train):
    from components.train.dataset import is_cached

    assert not is_cached(train, TrainConfig(cache_features=False))


def test_the_size_is_what_the_chunks_take(train):
    held = sum(part.nbytes for chunk in train.chunks().as_numpy_iterator() for part in chunk)
    assert train.count_bytes() == pytest.approx(held, rel=0.2)
