"""The section `tune`: what can be searched, and what is refused."""

from __future__ import annotations

import re

import pytest

from components.train.config import ModelConfig, TrainConfig
from components.tune.config import TuneConfig, apply_values, read_values


def test_values_take_the_place_of_the_configured_ones_with_their_type():
    model, train = apply_values(
        ModelConfig(dropout=0.3), TrainConfig(seed=7), {"model.units": 32.0, "train.learning_rate": 1e-3}
    )
    assert (model.units, model.dropout, train.learning_rate, train.seed) == (32, 0.3, 1e-3, 7)
    assert type(model.units) is int
    assert read_values(model, train, ["model.units", "train.seed"]) == {"model.units": 32, "train.seed": 7}


def test_the_default_space_holds_the_default_configuration():
    space = TuneConfig().space
    configured = read_values(ModelConfig(), TrainConfig(), space)
    assert all(configured[key] in values for key, values in space.items())


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"trials": 0}, "tune.trials must be at least 1, got 0"),
        ({"parallel": 0}, "tune.parallel must be at least 1, got 0"),
        ({"space": {}}, "tune.space must name keys to choose for, got none"),
        ({"space": {"model.width": (1,)}}, "tune.space must name keys among model.units"),
        ({"space": {"train.strategy": (1,)}}, "got train.strategy"),
        ({"space": {"model.units": ()}}, "tune.space.model.units must list values"),
        ({"space": {"model.units": (8, 8)}}, "each once"),
        ({"space": {"model.units": (8.5,)}}, "must list whole numbers, got 8.5"),
        ({"space": {"model.dropout": (1.5,)}}, "model.dropout must be in [0, 1), got 1.5"),
    ],
)
def test_what_cannot_be_searched_is_refused(given, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        TuneConfig(**given)
