import pytest

from components.errors import ConfigError
from components.train.config import ModelConfig, TrainConfig, change_run


@pytest.mark.parametrize("change", [{"units": 0}, {"layers": 0}, {"dropout": 1.0}, {"correction_limit": 0.0}])
def test_a_wrong_shape_is_refused(change):
    with pytest.raises(ValueError, match=rf"model\.{next(iter(change))}"):
        ModelConfig(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 0},
        {"learning_rate": 0.0},
        {"weight_average": 1.0},
        {"seed": -1},
        {"steps": 10},
        {"strategy": "tpu"},
        {"cache_megabytes": -1},
    ],
)
def test_a_wrong_training_config_is_refused(change):
    with pytest.raises(ValueError, match=r"train\.(warmup_steps must be less|" + next(iter(change)) + ")"):
        TrainConfig(**change)


def test_a_run_of_as_many_steps_is_the_configured_one():
    config = TrainConfig()
    assert change_run(config, config.steps, config.seed) == config


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (20, 4), (100, 20), (3000, 60)])
def test_a_shorter_run_warms_up_for_less(steps, warmup):
    changed = change_run(TrainConfig(warmup_steps=60), steps, seed=7)
    assert (changed.steps, changed.seed, changed.warmup_steps) == (steps, 7, warmup)


@pytest.mark.parametrize(("steps", "seed", "named"), [(0, 1, "steps"), (-5, 1, "steps"), (10, -1, "seed")])
def test_a_run_out_of_range_is_refused(steps, seed, named):
    with pytest.raises(ConfigError, match=rf"train\.{named}"):
        change_run(TrainConfig(), steps, seed)
