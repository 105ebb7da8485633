"""The head that corrects quantiles, and the loss: by hand, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest

from components import contract
from components.train.config import ModelConfig

pytestmark = pytest.mark.tf

BASE = np.array([[-1.6, -1.2, -0.6, 0.0, 0.6, 1.3, 1.7]] * 5, np.float32) * np.linspace(1.0, 1.2, 5)[:, None]


def correct(corrections):
    from components.train import model

    return np.asarray(model.correct_quantiles(np.asarray(corrections, np.float32), BASE.astype(np.float32)))


def test_no_correction_gives_the_base_quantiles():
    from components.train import model

    np.testing.assert_allclose(correct(np.zeros(model.NUM_CORRECTIONS)), BASE, atol=1e-6)


def test_an_untrained_network_gives_no_correction():
    from components.train import model

    network = model.build_network(ModelConfig(), num_features=3)
    answer = network(np.random.default_rng(0).normal(size=(2, 7, 3)).astype(np.float32))
    np.testing.assert_array_equal(answer, np.zeros((2, 7, model.NUM_CORRECTIONS)))


def test_one_correction_of_each_kind_by_hand():
    from components.train import model

    corrections = np.zeros(model.NUM_CORRECTIONS)
    corrections[2] = np.log(2.0)  # horizon 1, the increment from level .25 to the median: 0.6 becomes 1.2
    corrections[model.NUM_FREE + 1] = np.log(0.5)  # horizon 2, its upper half shrinks to half
    quantiles = correct(corrections)
    np.testing.assert_allclose(quantiles[0], [-2.2, -1.8, -1.2, 0.0, 0.6, 1.3, 1.7], atol=1e-6)
    np.testing.assert_allclose(quantiles[1], [*BASE[1, :4], *(BASE[1, 4:] / 2)], atol=1e-6)
    np.testing.assert_allclose(quantiles[2:], BASE[2:], atol=1e-6)


def test_quantiles_never_cross_and_medians_never_move():
    from components.train import model

    corrections = np.random.default_rng(1).uniform(-1, 1, (500, model.NUM_CORRECTIONS))
    quantiles = correct(corrections)
    assert (np.diff(quantiles, axis=-1) > 0).all()
    medians = np.broadcast_to(BASE[:, contract.MEDIAN_INDEX], (500, 5))
    np.testing.assert_allclose(quantiles[..., contract.MEDIAN_INDEX], medians, atol=1e-6)


def test_corrections_stay_within_their_limit():
    from components.train import model

    layer = model.BoundedCorrections(0.5)
    np.testing.assert_allclose(layer(np.array([-1e6, 0.0, 1e-4, 1e6])), [-0.5, 0.0, 1e-4, 0.5], atol=1e-7)


def test_pinball_loss_by_hand():
    from components.train import model

    loss = np.asarray(model.pinball_loss(np.zeros((1,), np.float32), np.full((1, 7), 2.0, np.float32)))
    np.testing.assert_allclose(loss[0], 2.0 * (1.0 - np.array(contract.QUANTILE_LEVELS)), rtol=1e-6)
